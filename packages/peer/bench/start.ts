/**
 * `npm run bench -- start`: from `createPeer()` to able to serve, in a process of its own each time; what installing `@skein/peer` brings onto a
 * disk; how large it is in a browser. Bare libp2p with the same transports stands beside it.
 */
import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

interface Result {
  name: string
  value: number
  unit: string
  target?: number
  better: 'lower' | 'higher'
}

const ROUNDS = 9
/** `@skein/peer` and what of the house it stands on. */
const PACKAGES = [
  'core', 'records', 'routing', 'pex', 'clusters', 'reputation', 'supernode', 'reachability', 'inference', 'peer'
]
/** What a page takes of a package. */
const NAMED: Record<string, (module: string) => string> = {
  '@skein/peer': module => `${module}.createPeer`,
  '@skein/webrtc': module => `${module}.webRtc`
}
const root = resolve(fileURLToPath(new URL('../../..', import.meta.url)))
const starter = fileURLToPath(new URL('start/starter.ts', import.meta.url))
const results: Result[] = []

await measureStart()
const folder = mkdtempSync(join(tmpdir(), 'skein-bench-'))
try {
  measureInstall(folder)
  await measureBundle(folder, '@skein/peer')
  await measureBundle(folder, '@skein/peer', '@skein/webrtc')
} finally {
  rmSync(folder, { recursive: true })
}
console.log(JSON.stringify({ bench: 'start', results }))

/** Each round starts one process of each kind, one after the other, so that both see the same machine. */
async function measureStart (): Promise<void> {
  const rounds: Record<string, number[]> = {}
  for (let i = 0; i < ROUNDS; i++) {
    for (const kind of ['skein', 'libp2p']) {
      const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=skein-source', starter, kind])
      for (const [name, value] of Object.entries(JSON.parse(stdout) as Record<string, number>)) {
        (rounds[`${kind} ${name}`] ??= []).push(value)
      }
    }
  }
  const value = (name: string): number => median(rounds[name] ?? [])
  report({ name: 'able to serve p50', value: value('skein started'), unit: 'ms', better: 'lower' })
  report({ name: 'able to serve from disk identity p50', value: value('skein from disk'), unit: 'ms', better: 'lower' })
  report({ name: 'joined, offer stored at another peer p50', value: value('skein joined'), unit: 'ms', better: 'lower' })
  report({ name: 'bare libp2p started p50', value: value('libp2p started'), unit: 'ms', better: 'lower' })
  report({ name: 'able to serve libp2p ratio', value: value('skein started') / value('libp2p started'), unit: 'ratio', better: 'lower' })
  report({ name: 'loading the modules p50', value: value('skein loaded'), unit: 'ms', better: 'lower' })
  report({ name: 'RSS of one idle peer p50', value: value('skein rss'), unit: 'MB', better: 'lower' })
  report({ name: 'RSS of one idle libp2p node p50', value: value('libp2p rss'), unit: 'MB', better: 'lower' })
}

function measureInstall (into: string): void {
  execFileSync(process.execPath, [join(root, 'scripts/run.mjs'), 'build'], { cwd: root, stdio: 'ignore' })
  const tarballs = new Map([...PACKAGES, 'webrtc'].map(name => {
    const [packed] = JSON.parse(execFileSync('npm', ['pack', '--json', '--pack-destination', into], {
      cwd: join(root, 'packages', name), stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8'
    })) as [{ filename: string }]
    return [name, join(into, packed.filename)]
  }))
  for (const [kind, names, target] of [['', PACKAGES, 60], [' with WebRTC', [...tarballs.keys()], 100]] as const) {
    const project = join(into, `project${kind.length}`)
    mkdirSync(project)
    writeFileSync(join(project, 'package.json'), '{"private":true}')
    execFileSync('npm', ['install', '--omit=dev', '--no-audit', '--no-fund', ...names.map(name => tarballs.get(name) as string)], {
      cwd: project, stdio: 'ignore'
    })
    const { bytes, packages } = weigh(join(project, 'node_modules'))
    report({ name: `install size${kind}`, value: bytes / 1e6, unit: 'MB', target, better: 'lower' })
    report({ name: `packages installed${kind}`, value: packages, unit: 'packages', better: 'lower' })
  }
}

/** All that a page can need in one file, as a bundler without splitting makes it; and what a page loads before it starts a peer. */
async function measureBundle (into: string, ...modules: string[]): Promise<void> {
  const entry = join(into, 'page.ts')
  const lines = modules.map((name, i) => `import * as m${i} from '${name}'\n;(globalThis as any).m${i} = ${NAMED[name]?.(`m${i}`)}\n`)
  writeFileSync(entry, lines.join(''))
  const kind = modules.length > 1 ? ' with WebRTC' : ''
  const whole = await bundle(entry, false)
  report({ name: `browser bundle${kind} minified`, value: sum(whole, ({ length }) => length) / 1024, unit: 'KiB', better: 'lower' })
  report({ name: `browser bundle${kind} gzip`, value: sum(whole, gzipBytes) / 1024, unit: 'KiB', target: 300, better: 'lower' })
  const first = await bundle(entry, true)
  report({ name: `browser bundle${kind} gzip, loaded at the start`, value: sum(first, gzipBytes) / 1024, unit: 'KiB', better: 'lower' })
}

function gzipBytes (bytes: Uint8Array): number {
  return gzipSync(bytes, { level: 9 }).length
}

function sum (files: Uint8Array[], of: (bytes: Uint8Array) => number): number {
  return files.reduce((total, file) => total + of(file), 0)
}

/** The files that the entry imports statically, itself among them. */
async function bundle (entry: string, splitting: boolean): Promise<Uint8Array[]> {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['skein-source', 'browser'],
    nodePaths: [join(root, 'node_modules')],
    splitting,
    outdir: join(root, 'bundle'),
    write: false,
    metafile: true,
    logLevel: 'error'
  })
  // a set is walked to its end, what is added on the way included
  const wanted = new Set(Object.keys(metafile.outputs).filter(path => metafile.outputs[path]?.entryPoint?.endsWith('page.ts')))
  for (const path of wanted) {
    for (const { path: imported, kind } of metafile.outputs[path]?.imports ?? []) {
      if (kind === 'import-statement') {
        wanted.add(imported)
      }
    }
  }
  return outputFiles.filter(({ path }) => wanted.has(relative(process.cwd(), path))).map(({ contents }) => contents)
}

/** Bytes of all files, and how many packages there are. */
function weigh (folder: string): { bytes: number, packages: number } {
  const total = { bytes: 0, packages: 0 }
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) {
      const path = join(entry.parentPath, entry.name)
      total.bytes += statSync(path).size
      total.packages += entry.name === 'package.json' && 'version' in JSON.parse(readFileSync(path, 'utf8')) ? 1 : 0
    }
  }
  return total
}

function report (result: Result): void {
  const rounded = { ...result, value: Number(result.value.toPrecision(4)) }
  results.push(rounded)
  console.log(`${rounded.name}: ${rounded.value} ${rounded.unit}${result.target == null ? '' : ` (target ${result.target})`}`)
}

function median (values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? NaN
}
