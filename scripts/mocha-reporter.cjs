/**
 * Mocha's spec output, and what it came to as JSON in the file named by `COUNTS_FILE`: `npm test` adds it up, tells all failures once more at its end,
 * and takes the file as the sign that all tests have run. Says what is still open when the process does not end by itself.
 */
const { writeFileSync } = require('node:fs')
const { Spec } = require('mocha').reporters

/** Of what a failed test threw. */
const ERROR_CHARS = 2000

/** Time for sockets to close by themselves. */
const GRACE_MS = 5000

module.exports = function CountingReporter (runner, options) {
  const spec = new Spec(runner, options)
  const failedTests = []

  runner.on('fail', (test, error) => {
    const message = String(error?.stack ?? error?.message ?? error).slice(0, ERROR_CHARS)
    failedTests.push({ title: test.fullTitle(), file: fileOf(test), error: message })
  })
  runner.once('end', () => {
    const { passes, failures, pending } = spec.stats

    if (process.env.COUNTS_FILE != null) {
      writeFileSync(process.env.COUNTS_FILE, JSON.stringify({ passed: passes, failed: failures, pending, failedTests }))
    }

    // Does not keep the process alive: only fires when something else does
    setTimeout(() => {
      console.error(`The tests are over, but the process does not end. Open: ${process.getActiveResourcesInfo().join(', ')}`)
    }, GRACE_MS).unref()
  })
}

/** Of a test, or of the hook of a suite. */
function fileOf (test) {
  return test.file ?? (test.parent == null ? undefined : fileOf(test.parent))
}
