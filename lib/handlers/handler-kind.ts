/**
 * Who calls a method, and therefore what a standby may do with the call. Whoever waits for an answer, or counts the job as done, must be
 * refused: to them a skip is an answer, or an acknowledgement of what nobody did. A timer or an event is skipped. A saga is called once,
 * at boot, and gated event by event.
 */
export type HandlerKind =
  'http' | 'sse' | 'graphql' | 'ws' | 'rpc' | 'cqrs' | 'tool' | 'webhook' | 'queue' | 'saga' | 'other';

/**
 * What the decorators of each package leave on a method, and in which of its versions that was read. Literals, since none of those packages
 * may be imported here. Symbols stand by their description: several packages do not register theirs.
 */
const METHOD_KEYS: ReadonlyArray<readonly [key: string, kind: HandlerKind]> = [
  ['microservices:pattern', 'rpc'], // @nestjs/microservices 12.1.1: @MessagePattern, @EventPattern, @GrpcMethod
  ['websockets:message_mapping', 'ws'], // @nestjs/websockets 12.1.1: @SubscribeMessage
  ['graphql:resolver_type', 'graphql'], // @nestjs/graphql 14.0.3: @Query, @Mutation, @Subscription
  ['graphql:resolve_property', 'graphql'], // @nestjs/graphql 14.0.3: @ResolveField
  ['graphql:resolve_reference', 'graphql'], // @nestjs/graphql 14.0.3: @ResolveReference
  // Server-sent events are routes too, and therefore stand before them.
  ['__sse__', 'sse'], // @nestjs/common 12.5.1: @Sse
  ['method', 'http'], // @nestjs/common 12.5.1: @Get, @Post ...
  ['bull:module_queue_process', 'queue'], // @nestjs/bull 12.0.0: @Process
  ['SQS_CONSUMER_METHOD', 'queue'], // @ssut/nestjs-sqs 3.0.1: @SqsMessageHandler
  ['RABBIT_HANDLER', 'queue'], // @golevelup/nestjs-rabbitmq 9.0.2: @RabbitSubscribe, @RabbitRPC, @RabbitHandler
  ['RMQ_ROUTES_PATH', 'queue'], // nestjs-rmq 2.13.0: @RMQRoute
  ['AGENDA_MODULE:JOB_PROCESSOR_TYPE', 'queue'], // agenda-nest 3.0.0-next: @Define, @Every, @Schedule, @Now
  ['PG_BOSS_JOB_METADATA', 'queue'], // @apricote/nest-pg-boss 2.1.0, @loctax/nest-pg-boss 5.3.0, @wavezync/nestjs-pgboss 5.1.1
  ['TASK_HANDLER_METADATA', 'queue'], // nestjs-graphile-worker 0.8.4: @TaskHandler
  ['_temporal_module_activity', 'queue'], // nestjs-temporal 2.0.1: @Activity
  ['TEMPORAL_ACTIVITY_METHOD', 'queue'], // nestjs-temporal-core 3.4.0: @ActivityMethod
  ['STRIPE_WEBHOOK_HANDLER', 'webhook'], // @golevelup/nestjs-stripe 1.1.1: @StripeWebhookHandler
  ['STRIPE_THIN_WEBHOOK_HANDLER', 'webhook'], // @golevelup/nestjs-stripe 1.1.1: @StripeThinWebhookHandler
  ['HASURA_EVENT_HANDLER', 'webhook'], // @golevelup/nestjs-hasura 3.0.8: @HasuraEventHandler
  ['HASURA_SCHEDULED_EVENT_HANDLER', 'webhook'], // @golevelup/nestjs-hasura 3.0.8: @TrackedHasuraScheduledEventHandler
  ['mcp:tool', 'tool'], // @rekog/mcp-nest 2.0.5: @Tool
  ['mcp:resource', 'tool'], // @rekog/mcp-nest 2.0.5: @Resource
  ['mcp:resource-template', 'tool'], // @rekog/mcp-nest 2.0.5: @ResourceTemplate
  ['mcp:prompt', 'tool'], // @rekog/mcp-nest 2.0.5: @Prompt
];

/** Handlers that are recognised by a decorator of their class and a fixed method name. */
const CLASS_KEYS: ReadonlyArray<readonly [key: string, method: string, kind: HandlerKind]> = [
  ['__commandHandler__', 'execute', 'cqrs'], // @nestjs/cqrs 12.0.0: @CommandHandler
  ['__queryHandler__', 'execute', 'cqrs'], // @nestjs/cqrs 12.0.0: @QueryHandler
  ['__eventsHandler__', 'handle', 'other'], // @nestjs/cqrs 12.0.0: @EventsHandler
  ['bullmq:processor_metadata', 'process', 'queue'], // @nestjs/bullmq 12.0.0: @Processor
  ['PGBOSS_JOB_HANDLER', 'run', 'queue'], // @wisemen/pgboss-nestjs-job 0.3.2: @PgBossJobHandler
  // Skipped, a command would end with exit code 0.
  ['CommandBuilder:Command:Meta', 'run', 'tool'], // nest-commander 3.21.0: @Command
  ['CommandBuilder:Subcommand:Meta', 'run', 'tool'], // nest-commander 3.21.0: @SubCommand
  ['CommandBuilder:RootCommand:Meta', 'run', 'tool'], // nest-commander 3.21.0: @RootCommand
];

/** On the class, the names of its sagas: methods, or functions in properties. @nestjs/cqrs 12.0.0: `@Saga`. */
const SAGAS = '__saga__';

/** On the method. @nestjs/schedule 12.0.2: `@Timeout`. */
const TIMEOUT = 'SCHEDULE_TIMEOUT_OPTIONS';

/** What put on a method alone does not make it a handler: enhancers, documentation, tracing, caching, rate limits, types and our own marks. */
const NOT_A_HANDLER =
  /^(design:|swagger\/|OPEN_TELEMETRY_|cache_module:|THROTTLER:|nestjs-leader:|__(guards|interceptors|pipes|exceptionFilters)__$)/;

/** `undefined` if nothing says that a framework calls this method. */
export function handlerKind(method: object, owner: object | undefined, name: string): HandlerKind | undefined {
  const keys = Reflect.getMetadataKeys(method).map(keyName);
  for (const [key, kind] of METHOD_KEYS) if (keys.includes(key)) return kind;
  if (owner !== undefined) {
    for (const [key, handler, kind] of CLASS_KEYS) if (handler === name && Reflect.hasMetadata(key, owner)) return kind;
    if (sagasOf(owner).includes(name)) return 'saga';
  }
  // Cron jobs, event listeners, and whatever decorator a third party invents: gating one method too many skips a call,
  // gating one too few runs a job on every replica.
  return keys.some((key) => !NOT_A_HANDLER.test(key)) ? 'other' : undefined;
}

/** Whether a method of this name is a handler if its class turns out to be one (its decorator may yet have to run). */
export function mayBeHandlerByClass(name: string): boolean {
  return CLASS_KEYS.some(([, handler]) => handler === name);
}

export function sagasOf(owner: object): readonly string[] {
  return (Reflect.getMetadata(SAGAS, owner) as readonly string[] | undefined) ?? [];
}

export function isTimeout(method: object): boolean {
  return Reflect.hasMetadata(TIMEOUT, method);
}

export function mustBeRefused(kind: HandlerKind | undefined): boolean {
  return kind !== undefined && kind !== 'other' && kind !== 'saga';
}

/**
 * Whether somebody still waits for the answer of a handler that gave an Observable. HTTP and GraphQL are answered with its last value,
 * messages with each: there, one that has emitted is a stream, which may have no end.
 */
export function owesAnswer(kind: HandlerKind | undefined, hasEmitted: boolean): boolean {
  return kind === 'http' || kind === 'graphql' || (kind === 'rpc' && !hasEmitted);
}

function keyName(key: unknown): string {
  return (typeof key === 'symbol' ? key.description : undefined) ?? String(key);
}
