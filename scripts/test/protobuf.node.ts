import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { runNode } from '../child-process.ts'
import type { RunResult } from '../child-process.ts'

const PROTO = `syntax = "proto3";
message Item { string name = 1; }
message List { repeated Item items = 1; bytes data = 2; optional uint64 size = 3; }
message Empty {}
`

describe('scripts/protobuf.mjs', () => {
  let folder: string

  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'skein-proto-')) })
  afterEach(() => { rmSync(folder, { recursive: true }) })

  async function generate (proto: string, ...args: string[]): Promise<RunResult> {
    writeFileSync(join(folder, 'x.proto'), proto)
    return await runNode(['scripts/protobuf.mjs', ...args, join(folder, 'x.proto')], { capture: true })
  }

  it('writes TypeScript that can be erased', async () => {
    expect(await generate(PROTO)).to.include({ code: 0 })
    const text = readFileSync(join(folder, 'x.ts'), 'utf8')

    expect(text).to.match(/^\/\/ Generated from x\.proto by `node scripts\/protobuf\.mjs /)
    expect(text).to.include('export const List = (() => {').and.include('export interface Empty {}')
    expect(text).to.not.match(/\b(namespace|enum|FieldEvent|streamMessage)\b/)
  })

  it('--check tells whether the file is what would be written, and leaves it', async () => {
    await generate(PROTO)
    expect(await generate(PROTO, '--check')).to.include({ code: 0 })

    const changed = await generate(PROTO.replace('size', 'count'), '--check')
    expect(changed.code).to.equal(1)
    expect(changed.output).to.include('run `node scripts/protobuf.mjs')
    expect(readFileSync(join(folder, 'x.ts'), 'utf8')).to.include('size').and.not.include('count')
  })

  for (const [what, proto, message] of [
    ['enums', 'enum Kind { A = 0; } message Foo { Kind kind = 1; }', /Kind: enums are not supported/],
    ['maps', 'message Foo { map<string, string> tags = 1; }', /maps are not supported/],
    ['nested messages', 'message Foo { message Bar { bool a = 1; } Bar bar = 1; }', /Bar: nested messages are not supported/],
    ['what protons cannot read', 'message Foo {', /protons failed/]
  ] as const) {
    it(`refuses ${what}`, async () => {
      const { code, output } = await generate(`syntax = "proto3";\n${proto}`)

      expect(code).to.equal(1)
      expect(output).to.match(message)
    })
  }
})
