/** `npm run bench -- NAME [args…]`: runs `packages/<any>/bench/NAME.ts` and checks that its last line is a result that a script can read. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename, join, posix } from 'node:path'
import { resultProblem } from '../bench-result.ts'
import { parse } from '../checks/source.ts'
import { listFiles, root } from '../tree.ts'

// What another one imports is a part of it, not a benchmark
const files = listFiles().filter(file => /^packages\/[^/]+\/bench\/[^/]+\.ts$/.test(file))
const parts = new Set(files.flatMap(file => parse(readFileSync(join(root, file), 'utf8')).imports
  .map(({ specifier }) => posix.join(posix.dirname(file), specifier))))
const benches = new Map(files.filter(file => !parts.has(file)).map(file => [basename(file, '.ts'), file]))
const [name, ...args] = process.argv.slice(2)

if (name === '--list') {
  console.log([...benches].map(([bench, file]) => `${bench}\t${file}`).join('\n'))
} else if (name === undefined || name.startsWith('-')) {
  console.log('Usage: npm run bench -- NAME [args…]   runs a benchmark; its last line is one JSON object')
  console.log('       npm run bench -- --list           lists them')
  process.exitCode = name === undefined || name === '--help' ? 0 : 2
} else if (!benches.has(name)) {
  console.error(`No benchmark is called ${name}. There are: ${[...benches.keys()].join(', ')}`)
  process.exitCode = 2
} else {
  process.exitCode = await bench(benches.get(name) as string, args)
}

async function bench (file: string, args: string[]): Promise<number> {
  const child = spawn(process.execPath, ['--conditions=skein-source', join(root, file), ...args], { stdio: ['inherit', 'pipe', 'inherit'] })
  let tail = ''

  process.once('SIGTERM', () => { child.kill() })
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    process.stdout.write(chunk)
    tail = (tail + chunk).slice(-(1 << 20))
  })

  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const problem = code === 0 ? resultProblem(tail.trimEnd().split('\n').at(-1) ?? '') : `it ended with status ${code}`

  if (problem !== undefined) {
    console.error(`${file}: ${problem}`)
    return 1
  }
  return 0
}
