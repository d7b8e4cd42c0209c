#!/usr/bin/env node
/**
 * The way into every task of the repository: `node scripts/run.mjs TASK [args…]` (`npm start`, `npm test`, … call this).
 *
 * It makes sure of two things, then gets out of the way: a Node that runs TypeScript sources as they are (brought from npm into `.node/`, once, and
 * only when the Node at hand is too old), and dependencies as `package-lock.json` names them. Plain JavaScript, because it has to run on Node 18.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const tasksFolder = join(root, 'scripts', 'tasks')

/** The first Node that runs `.ts` files without a flag. An application that embeds the built packages needs 22.12 only. */
const WANTED_NODE = [22, 18]
/** What is fetched when the Node at hand is older. */
const FETCHED_NODE = '24'
const ADVICE = `Install Node ${WANTED_NODE.join('.')} or newer yourself, or try again.`

class SetupError extends Error {}

function main (args) {
  const tasks = readdirSync(tasksFolder).filter(name => name.endsWith('.ts')).map(name => name.slice(0, -3))
  const [task, ...rest] = args

  if (task == null || !tasks.includes(task)) {
    console.error(`Usage: node scripts/run.mjs TASK [args…], where TASK is one of ${tasks.join(', ')}`)
    process.exitCode = 2
    return
  }

  const node = findNode()
  const env = {
    ...process.env,
    PATH: dirname(node) + delimiter + (process.env.PATH ?? ''),
    // hundreds of processes of the tests load the same sources: types are stripped, and code is compiled, once
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules', '.cache', 'node')
  }
  installDependencies(env)
  run(node, ['--conditions=skein-source', join(tasksFolder, `${task}.ts`), ...rest], env)
}

/** The path of a Node that is new enough. */
function findNode () {
  if (isNewEnough(process.versions.node)) {
    return process.execPath
  }

  // The packages of nodejs.org's binaries on npm; the one for Macs with Apple's chips has a name of its own
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const name = `${platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node'}-${platform}-${process.arch}`
  const node = join(root, '.node', 'node_modules', name, 'bin', platform === 'win' ? 'node.exe' : 'node')

  if (!existsSync(node)) {
    console.error(`Node ${process.versions.node} is older than ${WANTED_NODE.join('.')}: fetching Node ${FETCHED_NODE} into .node/ (once)`)
    mkdirSync(join(root, '.node'), { recursive: true })
    npm(['install', '--prefix', join(root, '.node'), '--no-save', '--no-package-lock', `${name}@${FETCHED_NODE}`], process.env, ADVICE)
  }

  const version = spawnSync(node, ['--version'], { encoding: 'utf8' })

  if (version.status !== 0) {
    throw new SetupError(`The Node that was fetched does not run (${node}: ${version.error?.message ?? version.stderr.trim()}). ${ADVICE}`)
  }

  return node
}

function isNewEnough (version) {
  const [major, minor] = version.split('.').map(Number)

  return major > WANTED_NODE[0] || (major === WANTED_NODE[0] && minor >= WANTED_NODE[1])
}

/** Runs `npm ci` unless everything that the lock file names is there already. */
function installDependencies (env) {
  if (isInstalled()) {
    return
  }

  console.error('Installing dependencies (npm ci)')
  npm(['ci', '--no-audit', '--no-fund'], env, 'The dependencies of package-lock.json could not be installed.')
}

/** Compares with the lock file that npm leaves in node_modules: what is there, by version. */
function isInstalled () {
  const wanted = readPackages(join(root, 'package-lock.json'))
  const present = readPackages(join(root, 'node_modules', '.package-lock.json'))

  if (wanted == null || present == null) {
    return false
  }

  return Object.entries(wanted).every(([path, entry]) => {
    // '' is this repository; an optional package may be for another platform
    return path === '' || (present[path] == null ? entry.optional === true : present[path].version === entry.version)
  })
}

function readPackages (lockFile) {
  try {
    return JSON.parse(readFileSync(lockFile, 'utf8')).packages
  } catch {
    return undefined
  }
}

/** Runs npm without a word, and shows what it said when it fails. */
function npm (args, env, advice) {
  const options = { cwd: root, env, encoding: 'utf8', maxBuffer: 64 << 20, shell: process.platform === 'win32' }
  const result = spawnSync('npm', [...args, '--loglevel=error'], options)

  if (result.error?.code === 'ENOENT') {
    throw new SetupError('npm was not found. It comes with Node; it has to be in PATH.')
  }

  if (result.error != null || result.status !== 0) {
    const output = `${result.stdout ?? ''}${result.stderr ?? ''}`.trim()
    const offline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|ENOTCACHED/.test(output)
    throw new SetupError(`${output}\n\nnpm ${args[0]} failed${offline ? ': the package registry could not be reached' : ''}. ${advice}`)
  }
}

/** Hands over to the task: its output, its exit code, and our signals. */
function run (node, args, env) {
  const child = spawn(node, args, { stdio: 'inherit', env })

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // Ctrl-C in a terminal reaches the child by itself; twice would mean "at once"
      if (signal !== 'SIGINT' || process.stdin.isTTY !== true) {
        child.kill(signal)
      }
    })
  }

  child.on('error', error => {
    console.error(`Could not start ${node}: ${error.message}`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0)
    process.exit()
  })
}

try {
  main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof SetupError)) {
    throw error
  }

  console.error(error.message)
  process.exitCode = 1
}
