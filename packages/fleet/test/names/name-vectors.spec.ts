import { readFileSync } from 'node:fs'
import { fromHex, toHex } from '@skein/core'
import { openOffer } from '@skein/records'
import { modelKey } from '@skein/routing'
import { expect } from 'chai'
import { recordOf } from '../../src/index.ts'

const vectors = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8'))

describe('names as other implementations have them', () => {
  for (const { name, key } of vectors.keys) {
    it(`${name} is stored under its key`, () => { expect(toHex(modelKey(`/skein/name/1/${name}`))).to.equal(key) })
  }

  for (const { record, envelope, atMs } of vectors.records) {
    it(`a record of ${record.name} says where it points`, async () => {
      const { offer } = await openOffer(fromHex(envelope), atMs)
      expect(recordOf(record.name, offer)).to.deep.equal(record)
    })
  }
})
