/**
 * Mocha's spec output, and the counts as JSON in the file named by `COUNTS_FILE`: `npm test` adds them up, and takes the file as the sign that all
 * tests have run. Says what is still open when the process does not end by itself.
 */
const { writeFileSync } = require('node:fs')
const { Spec } = require('mocha').reporters

/** Time for sockets to close by themselves. */
const GRACE_MS = 5000

module.exports = function CountingReporter (runner, options) {
  const spec = new Spec(runner, options)

  runner.once('end', () => {
    const { passes, failures, pending } = spec.stats

    if (process.env.COUNTS_FILE != null) {
      writeFileSync(process.env.COUNTS_FILE, JSON.stringify({ passed: passes, failed: failures, pending }))
    }

    // Does not keep the process alive: only fires when something else does
    setTimeout(() => {
      console.error(`The tests are over, but the process does not end. Open: ${process.getActiveResourcesInfo().join(', ')}`)
    }, GRACE_MS).unref()
  })
}
