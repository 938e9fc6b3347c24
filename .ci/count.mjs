// usage: count.mjs FORMAT REPORT EXIT_CODE: prints "passed failed skipped", then a line for each test that failed, and why.
// A command that failed counts at least one failure, and so does a report that is missing or holds no test: what did not run
// has not passed.
import { readFileSync } from 'node:fs';

const [format, report, exitCode] = process.argv.slice(2);

const formats = {
  check: () => (exitCode === '0' ? [1, 0, 0] : [0, 1, 0]),
  vitest: () => {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = read();
    // A file that could not be loaded or set up failed, though none of its tests did: they never ran.
    const fellOver = testResults.filter(
      ({ status, assertionResults }) =>
        status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
    );
    return [numPassedTests, numFailedTests + fellOver.length, numPendingTests + numTodoTests];
  },
  counted: () => {
    const { passed, failed } = read();
    return [passed, failed, 0];
  },
  tour: () => {
    const { steps, total } = read();
    const held = steps.filter(({ passed }) => passed).length;
    return [held, steps.length - held, total - steps.length];
  },
};

function read() {
  return JSON.parse(readFileSync(report, 'utf8'));
}

// The log of a run is long, and who reads it may only have its end.
function whatFailed() {
  if (format !== 'vitest') return [];
  return read().testResults.flatMap(({ name, status, message, assertionResults }) => {
    const tests = assertionResults.filter((test) => test.status === 'failed');
    const file = name.replace(`${process.cwd()}/`, '');
    if (tests.length === 0) return status === 'failed' ? [`${file}: ${message}`] : [];
    return tests.map((test) => `${file} > ${test.fullName}: ${test.failureMessages.join(' | ')}`);
  });
}

let counted = [0, 1, 0];
let failures = [];
try {
  counted = formats[format]();
  failures = whatFailed();
} catch (error) {
  console.error(`no usable report: ${error.message}`);
}
const [passed, failed, skipped] = counted;
console.log(passed, Math.max(failed, exitCode === '0' && passed > 0 ? 0 : 1), skipped);
for (const failure of failures) console.log(failure.slice(0, 2000));
