/** Writes the vectors of receipts: `node --conditions=skein-source packages/records/test/vectors/generate-receipts.ts`. Change them only with a new version of the record. */
import { writeFile } from 'node:fs/promises'
import { toHex } from '@skein/core'
import { countersignReceipt, signReceipt } from '../../src/index.ts'
import { consumer, consumerKey, provider, providerKey, RECEIPTS } from './receipt-cases.ts'

const receipts = await Promise.all(RECEIPTS.map(async ({ name, receipt }) => {
  const byConsumer = await signReceipt(receipt, consumerKey)
  const byProvider = await countersignReceipt(byConsumer, providerKey)
  return { name, receipt, byConsumer: toHex(byConsumer.envelope), byProvider: toHex(byProvider.envelope) }
}))
await writeFile(new URL('receipts.json', import.meta.url), `${JSON.stringify({ consumer, provider, receipts }, null, 2)}\n`)
