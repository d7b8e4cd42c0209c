import { expect } from 'chai'
import { filteringClass, mappingClass } from '../src/nat-class.ts'
import type { MappingSeen } from '../src/nat-class.ts'

/** `a:1>5` is: the server a, port 1, saw port 5. */
function seen (text: string): MappingSeen[] {
  return text.split(' ').filter(Boolean).map(one => {
    const [, host = '', port, mapped] = /^(\w+):(\d+)>(\d+)$/.exec(one) ?? []
    return { server: { host, port: Number(port) }, mapped: { host: 'm', port: Number(mapped) } }
  })
}

describe('The class of a router', () => {
  for (const [views, expected] of [
    ['', 'unknown'],
    ['a:1>5', 'unknown'],
    ['a:1>5 a:2>5', 'unknown'],
    ['a:1>5 b:1>5', 'endpoint_independent'],
    ['a:1>5 b:1>5 b:2>5', 'endpoint_independent'],
    ['a:1>5 b:1>6', 'address_dependent'],
    ['a:1>5 b:1>6 b:2>6', 'address_dependent'],
    ['a:1>5 a:2>6', 'address_and_port_dependent'],
    ['a:1>5 b:1>6 b:2>7', 'address_and_port_dependent']
  ] as const) {
    it(`of mappings is ${expected} for ${views === '' ? 'none' : views}`, () => {
      expect(mappingClass(seen(views), { host: '10.0.0.2', port: 5 })).to.equal(expected)
    })
  }

  it('is none when others see the address that the node has', () => {
    expect(mappingClass(seen('a:1>5'), { host: 'm', port: 5 })).to.equal('none')
  })

  for (const [came, expected] of [
    [{}, 'unknown'],
    [{ otherBoth: true }, 'endpoint_independent'],
    [{ otherBoth: false, otherPort: true }, 'address_dependent'],
    [{ otherBoth: false, otherPort: false }, 'address_and_port_dependent'],
    [{ otherPort: true }, 'not_port_dependent'],
    [{ otherPort: false }, 'address_and_port_dependent']
  ] as const) {
    it(`of filters is ${expected} for ${JSON.stringify(came)}`, () => {
      expect(filteringClass(came)).to.equal(expected)
    })
  }
})
