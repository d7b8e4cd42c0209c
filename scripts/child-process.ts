/** Child processes of the tasks: output shown or kept, an optional limit after which the child and all it started are killed. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { root } from './tree.ts'

export interface RunOptions {
  /** @default the root of the repository */
  cwd?: string
  /** Added to the environment */
  env?: Record<string, string>
  /** Milliseconds after which the child is killed; without it the child may run for ever */
  limitMs?: number
  /**
   * Keeps what the child writes (both streams, in order) instead of showing it; at most `OUTPUT_CHARS` from the end
   *
   * @default false
   */
  capture?: boolean
  /** Called when `done()` says that the child has done its work though it still runs: it is killed `graceMs` later */
  linger?: { done: () => boolean, graceMs: number }
}

export interface RunResult {
  /** 0 when all went well; 128 + n after signal n */
  code: number
  /** What was captured */
  output: string
  /** Why the child was killed, if it was */
  killed?: 'limit' | 'lingering'
}

const OUTPUT_CHARS = 1 << 20
const POLL_MS = 500
/** Some tools write colours wherever `CI` is set; a log is not a terminal. */
const COLOR = process.stdout.isTTY ? {} : { FORCE_COLOR: '0' }

const running = new Set<ChildProcess>()

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    for (const child of running) {
      killTree(child)
    }
    process.exit(128 + constants.signals[signal])
  })
}

export async function run (command: string, args: string[], options: RunOptions = {}): Promise<RunResult> {
  const child = spawn(command, args, {
    cwd: options.cwd ?? root,
    env: { ...process.env, ...COLOR, ...options.env },
    stdio: options.capture === true ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    detached: process.platform !== 'win32' // a process group of its own, so that grandchildren can be killed with it
  })
  let output = ''
  let killed: RunResult['killed']
  let doneAtMs: number | undefined

  const keep = (chunk: string): void => { output = (output + chunk).slice(-OUTPUT_CHARS) }
  child.stdout?.setEncoding('utf8').on('data', keep)
  child.stderr?.setEncoding('utf8').on('data', keep)

  const startedMs = performance.now()
  const watch = setInterval(() => {
    const nowMs = performance.now()

    if (doneAtMs === undefined && options.linger?.done() === true) {
      doneAtMs = nowMs
    }
    if (doneAtMs !== undefined && nowMs - doneAtMs > (options.linger?.graceMs ?? 0)) {
      killed ??= 'lingering'
    } else if (options.limitMs !== undefined && nowMs - startedMs > options.limitMs) {
      killed ??= 'limit'
    }
    if (killed !== undefined) {
      killTree(child)
    }
  }, POLL_MS)

  running.add(child)
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      // Not 'close': a grandchild that outlives the child would hold the pipes open
      child.once('exit', (code, signal) => { resolve(code ?? 128 + constants.signals[signal as NodeJS.Signals]) })
    })

    return { code, output, killed }
  } finally {
    clearInterval(watch)
    killTree(child)
    running.delete(child)
  }
}

/** Runs a script with the Node that runs this one. */
export async function runNode (args: string[], options: RunOptions = {}): Promise<RunResult> {
  return await run(process.execPath, args, options)
}

/** Runs an executable of an npm package that the root depends on. */
export async function runTool (packageName: string, tool: string, args: string[], options: RunOptions = {}): Promise<RunResult> {
  const folder = join(root, 'node_modules', packageName)
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { bin: string | Record<string, string> }
  const file = typeof bin === 'string' ? bin : bin[tool]

  if (file === undefined) {
    throw new Error(`${packageName} has no executable ${tool}`)
  }

  return await runNode([join(folder, file), ...args], options)
}

/** Runs npm, which is where Node is. */
export async function runNpm (args: string[], options: RunOptions = {}): Promise<RunResult> {
  return await run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, options)
}

function killTree (child: ChildProcess): void {
  try {
    process.kill(process.platform === 'win32' ? child.pid as number : -(child.pid as number), 'SIGKILL')
  } catch {
    // it has ended, and so has all that it started
  }
}
