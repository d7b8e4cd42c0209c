import { expect } from 'chai'
import { exportLines, importLines, LedgerImportError, ReputationLedger } from '../src/index.ts'
import { DAY_MS, identity, NOW_MS, receipt, signedByBoth } from './ledger-fixture.ts'
import type { LedgerImportProblem } from '../src/index.ts'

const [me, provider] = [await identity(), await identity()]

async function exported (): Promise<{ ledger: ReputationLedger, lines: string[] }> {
  const ledger = new ReputationLedger({ self: me.name, networkOf: () => 'AS64500' })
  for (let i = 0; i < 3; i++) {
    const proof = await signedByBoth(receipt({ provider: provider.name, consumer: me.name, issuedAtMs: NOW_MS + i }), me, provider)
    expect(ledger.onReceipt(proof, NOW_MS + i)).to.equal('first-hand')
  }
  return { ledger, lines: [...exportLines(ledger.records(), me.name, NOW_MS)] }
}

describe('an export', () => {
  it('comes back as it was, line by line', async () => {
    const { ledger, lines } = await exported()
    const { owner, records, expired } = await importLines(lines, NOW_MS)
    expect({ owner, expired, records }).to.deep.equal({ owner: me.name, expired: 0, records: [...ledger.records()] })
    expect(records.map(({ type }) => type)).to.deep.equal(['strangers', 'strangers', 'standing', 'receipt', 'receipt', 'receipt'])
  })

  it('leaves out receipts that have expired meanwhile', async () => {
    const { lines } = await exported()
    const { records, expired } = await importLines(lines, NOW_MS + 31 * DAY_MS)
    expect([records.length, expired]).to.deep.equal([3, 3])
  })

  /** Lines changed, with an end that fits them again. */
  const resealed = (lines: string[], change: (text: string) => string): string[] => {
    const records = lines.slice(1, -1).map(line => JSON.parse(change(line)))
    return [...exportLines(records, me.name, NOW_MS)]
  }

  const refused: Array<[string, (lines: string[]) => string[], LedgerImportProblem]> = [
    ['another text', () => ['hello'], 'format'],
    ['another JSON text', () => ['{"a":1}'], 'format'],
    ['another version', lines => [lines[0]!.replace('"version":1', '"version":2'), ...lines.slice(1)], 'format'],
    ['nothing', () => [], 'damaged'],
    ['one that was cut off', lines => lines.slice(0, -1), 'damaged'],
    ['one that lacks a line', lines => lines.toSpliced(3, 1), 'damaged'],
    ['one with a changed figure', lines => lines.map(line => line.replace('"counted":3', '"counted":4')), 'damaged'],
    ['one with something after the end', lines => [...lines, '{}'], 'damaged'],
    ['a score of 7', lines => resealed(lines, line => line.replace(/"score":[\d.]+/, '"score":7')), 'record'],
    ['more evidence than there can be', lines => resealed(lines, line => line.replace(/"good":[\d.]+/, '"good":1e9')), 'record'],
    ['a record twice', lines => resealed([...lines.slice(0, 2), ...lines.slice(1)], line => line), 'record'],
    ['a receipt with a forged signature', lines => resealed(lines, line => line.replace(/"byConsumer":"([0-9a-f]+)[0-9a-f]{2}"/, '"byConsumer":"$100"')), 'record'],
    ['a receipt under the key of another', lines => resealed(lines, line => line.replace(/"receipt":"inference\/[^/]+/, '"receipt":"inference/x')), 'record']
  ]
  for (const [name, change, problem] of refused) {
    it(`refuses ${name}: ${problem}`, async () => {
      const { lines } = await exported()
      const error = await importLines(change(lines), NOW_MS).then(() => undefined, (error: unknown) => error)
      expect(error).to.be.instanceOf(LedgerImportError)
      expect((error as LedgerImportError).problem, (error as Error).message).to.equal(problem)
    })
  }
})
