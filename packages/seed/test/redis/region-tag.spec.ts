import { regionsByDistance } from '@skein/routing'
import { expect } from 'chai'
import fc from 'fast-check'
import { orderTags, REGION_TAGS, regionTag } from '../../src/redis/region-tag.ts'

describe('the parts of a registry in Redis', () => {
  const cases: Array<[string, string]> = [
    ['', 'none'], ['eu-west', 'eu-west'], ['eu-west-3', 'eu-west+'], ['us-central1', 'us-central+'], ['us-east-1a', 'us-east+']
  ]
  for (const [region, tag] of cases) {
    it(`puts "${region}" into ${tag}`, () => {
      expect(regionTag(region)).to.equal(tag)
    })
  }

  it('are few, whatever regions are called', () => {
    fc.assert(fc.property(fc.string({ maxLength: 64, unit: 'binary' }), region => {
      expect(REGION_TAGS).to.include(regionTag(region))
      expect(regionTag(region)).to.not.match(/[{}]/)
    }))
    expect(new Set(REGION_TAGS).size).to.equal(REGION_TAGS.length)
  })

  it('are all searched, each once, one\'s own first and its kin next', () => {
    fc.assert(fc.property(fc.constantFrom(undefined, '', 'eu-west', 'eu-west-2', 'nowhere', '{x}'), fc.nat(0xffffffff), (near, start) => {
      const tags = orderTags(near, start, regionsByDistance)
      expect([...tags].sort()).to.deep.equal([...REGION_TAGS].sort())
      if (near !== undefined && near !== '') {
        expect(tags[0]).to.equal(regionTag(near))
      }
    }))
    expect(orderTags('eu-west-2', 0, regionsByDistance).slice(0, 3)).to.deep.equal(['eu-west+', 'eu-west', 'uk-south'])
    expect(orderTags(undefined, 1, regionsByDistance)).to.not.deep.equal(orderTags(undefined, 2, regionsByDistance))
  })
})
