// What the cron of a job queue costs a database while nothing is due: one idle worker of QUEUE, with one yearly schedule.
const { DATABASE_URL, QUEUE } = process.env;
if (QUEUE === 'pg-boss') {
  const { default: PgBoss } = await import('pg-boss');
  const boss = new PgBoss({ connectionString: DATABASE_URL, application_name: 'queue' });
  await boss.start();
  await boss.createQueue('yearly');
  await boss.schedule('yearly', '0 0 1 1 *');
  await boss.work('yearly', async () => {});
} else {
  const { run } = await import('graphile-worker');
  const { Pool } = await import('pg');
  const pgPool = new Pool({ connectionString: DATABASE_URL, application_name: 'queue' });
  pgPool.on('error', () => {});
  await run({ pgPool, crontab: '0 0 1 1 * yearly', taskList: { yearly: async () => {} } });
}
console.log(JSON.stringify({ kind: 'ready', t: 0 }));
