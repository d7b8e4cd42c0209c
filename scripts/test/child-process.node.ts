import { expect } from 'chai'
import { runNode } from '../child-process.ts'

describe('child processes of the tasks', () => {
  it('tell their status and output', async () => {
    const result = await runNode(['-e', 'console.log(1); console.error(2); process.exitCode = 3'], { capture: true })

    expect(result.code).to.equal(3)
    expect(result.output.split('\n').sort().join('')).to.equal('12')
    expect(result.killed).to.equal(undefined)
  })

  it('are killed at their limit, with what they started', async () => {
    const grandchild = 'setInterval(() => {}, 1000)'
    const child = `const { pid } = require('child_process').spawn(process.execPath, ['-e', '${grandchild}']); console.log(pid); ${grandchild}`
    const { code, output, killed } = await runNode(['-e', child], { capture: true, limitMs: 2000 })

    expect({ code, killed }).to.deep.equal({ code: 137, killed: 'limit' })
    expect(Number(output)).to.be.greaterThan(0)
    await gone(Number(output))
  })

  it('are killed when they go on after their work is done', async () => {
    const { killed } = await runNode(['-e', 'setInterval(() => {}, 1000)'], { capture: true, linger: { done: () => true, graceMs: 100 } })

    expect(killed).to.equal('lingering')
  })

  it('do not read from the terminal', async () => {
    const { code } = await runNode(['-e', 'process.stdin.resume().on("end", () => process.exit(0))'], { capture: true, limitMs: 10_000 })

    expect(code).to.equal(0)
  })
})

/** Waits until there is no such process; mocha's time-out is the bound. */
async function gone (pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0)
    } catch {
      return
    }
    await new Promise(resolve => { setTimeout(resolve, 50) })
  }
}
