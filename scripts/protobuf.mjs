#!/usr/bin/env node
/**
 * Generates TypeScript from .proto files: `node scripts/protobuf.mjs [--check] FILE.proto…` writes `x.ts` beside each `x.proto`.
 *
 * protons emits `export namespace Foo { … }` with code in it, which Node's type stripping and `erasableSyntaxOnly` refuse. This script runs
 * protons and takes from its output, for each message, the interface and the bodies of the encoder and the decoder; the streaming decoder is
 * left out. What it writes needs protons-runtime 7 (that of libp2p: a second version would be in every bundle besides) and uint8arraylist (types
 * only). `--check` writes nothing and fails if a committed file is not what would be written.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')

/** The TypeScript for one .proto file. */
export function generate (protoFile) {
  const output = mkdtempSync(join(tmpdir(), 'protons-'))

  try {
    const bin = fileURLToPath(import.meta.resolve('protons')).replace(/index\.js$/, '../bin/protons.js')
    const run = spawnSync(process.execPath, [bin, '--strict', '--output', output, protoFile], { encoding: 'utf8' })

    if (run.status !== 0) {
      throw new Error(`protons failed on ${protoFile}:\n${run.stdout}${run.stderr}`)
    }

    const source = readFileSync(join(output, basename(protoFile).replace(/\.proto$/, '.ts')), 'utf8')

    return rewrite(source, relative(root, resolve(protoFile)))
  } finally {
    rmSync(output, { recursive: true, force: true })
  }
}

/** Turns the output of protons into erasable TypeScript. `name` is what the first line calls the .proto file. */
export function rewrite (source, name) {
  refuse(source, /^ *export enum (\w+)/m, name, 'enums are not supported (an unknown value would throw): use uint32 or string')
  refuse(source, /: Map</, name, 'maps are not supported: use a repeated message with a key and a value')
  refuse(source, /^ +export namespace (\w+)/m, name, 'nested messages are not supported: declare it at the top level')
  refuse(source, /^import (?!.* from '(?:protons-runtime|uint8arrays\/alloc|uint8arraylist)')(.*)$/m, name, 'imports are not supported')

  const interfaces = new Map([...source.matchAll(/^export interface (\w+) \{(?:\}|\n[^]*?^\})/gm)].map(match => [match[1], match[0]]))
  const messages = [...source.matchAll(/^export namespace (\w+) \{\n([^]*?)^\}/gm)].map(match => message(match[1], match[2], interfaces, name))
  const body = messages.join('\n').replaceAll('uint8ArrayAlloc(0)', 'new Uint8Array(0)')
  const values = ['decodeMessage', 'encodeMessage', 'MaxLengthError', 'MaxSizeError'].filter(value => body.includes(value))

  return `// Generated from ${basename(name)} by \`node scripts/protobuf.mjs ${name}\`. Do not edit.
import { ${values.join(', ')} } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

${body}`
}

/** One message: its interface, and an object of the same name with its codec. */
function message (type, namespace, interfaces, name) {
  // protons writes `message<Foo>((obj, w, opts = {}) => {…}, (reader, length, opts = {}) => {…}, function * (reader, …) {…})`
  const parts = namespace.match(
    /message<\w+>\(\(obj, w, opts = \{\}\) => \{\n([^]*?)\n {6}\}, \(reader, length, opts = \{\}\) => \{\n([^]*?)\n {6}\}, function \* \(/
  )

  if (parts == null || !interfaces.has(type)) {
    throw new Error(`${name}: protons wrote message ${type} in a form that scripts/protobuf.mjs does not know; has its version changed?`)
  }

  // noUnusedParameters: a message without fields does not read `obj`, one without limits does not read `opts`
  const obj = parts[1].includes('obj') ? 'obj' : '_obj'
  const opts = parts[2].includes('opts') ? ', opts = {}' : ''

  return `${interfaces.get(type)}

export const ${type} = (() => {
  const codec: Pick<Codec<${type}>, 'encode' | 'decode'> = {
    encode (${obj}, w, opts = {}) {
${tidy(parts[1])}
    },

    decode (reader, length${opts}) {
${tidy(parts[2])}
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<${type}>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<${type}>): ${type} => decodeMessage(buf, codec, opts)
  }
})()
`
}

function tidy (code) {
  return code.replace(/^ {2}/gm, '').replace(/\n{3,}/g, '\n\n')
}

function refuse (source, pattern, name, reason) {
  const match = source.match(pattern)

  if (match != null) {
    throw new Error(`${name}: ${match[1] ?? match[0].trim()}: ${reason}`)
  }
}

function main (args) {
  const check = args.includes('--check')
  const files = args.filter(arg => !arg.startsWith('--'))

  if (files.length === 0 || files.some(file => !file.endsWith('.proto'))) {
    console.error('Usage: node scripts/protobuf.mjs [--check] FILE.proto…')
    return 2
  }

  let status = 0

  for (const file of files) {
    const target = file.replace(/\.proto$/, '.ts')

    try {
      const text = generate(file)

      if (!check) {
        writeFileSync(target, text)
        console.log(`wrote ${relative(process.cwd(), target)}`)
      } else if (readText(target) !== text) {
        console.error(`${target} is not what its .proto file gives: run \`node scripts/protobuf.mjs ${file}\``)
        status = 1
      }
    } catch (error) {
      console.error(error instanceof Error ? error.message : error)
      status = 1
    }
  }

  return status
}

function readText (file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

if (process.argv[1] != null && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = main(process.argv.slice(2))
}
