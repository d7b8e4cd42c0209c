import { expect } from 'chai'
import fc from 'fast-check'
import { maskRedisAddress, parseRedisAddress, RedisAddressError } from '../../src/redis/redis-address.ts'

describe('the address of Redis', () => {
  const good: Array<[string, Partial<ReturnType<typeof parseRedisAddress>>]> = [
    ['redis://localhost', { nodes: [{ host: 'localhost', port: 6379 }], tls: false, database: 0, password: undefined, username: undefined }],
    ['redis://10.0.0.1:7000/3', { nodes: [{ host: '10.0.0.1', port: 7000 }], database: 3 }],
    ['rediss://user:p%40ss@redis.example', { nodes: [{ host: 'redis.example', port: 6379 }], tls: true, username: 'user', password: 'p@ss' }],
    ['redis://:word@[::1]:6380', { nodes: [{ host: '::1', port: 6380 }], password: 'word' }],
    ['redis://:w@a:1,b:2, c', { nodes: [{ host: 'a', port: 1 }, { host: 'b', port: 2 }, { host: 'c', port: 6379 }], password: 'w' }],
    ['redis://:w@a:1,redis://:w@b:2', { nodes: [{ host: 'a', port: 1 }, { host: 'b', port: 2 }], password: 'w' }]
  ]
  for (const [text, expected] of good) {
    it(`reads ${text}`, () => {
      expect(parseRedisAddress(text)).to.deep.include(expected)
    })
  }

  const bad = [
    '', ',', 'redis://:********@host', 'localhost', 'localhost:6379', 'http://localhost', 'redis://', 'redis://host:0', 'redis://host:99999', 'redis://host/name', 'redis://host/5000',
    'redis://:secret@host/0/1', 'redis://host?db=1', 'redis://:sec#ret@host', 'redis://a,rediss://b', 'redis://:x@a,redis://:y@b', 'redis://a/1,b', 'redis://:%zz@host',
    Array.from({ length: 17 }, (_, i) => `redis://h${i}`).join()
  ]
  for (const text of bad) {
    it(`refuses ${text.slice(0, 40)}, and does not say it again`, () => {
      expect(() => parseRedisAddress(text)).to.throw(RedisAddressError).with.property('message').that.does.not.include('sec')
    })
  }

  const masks: Array<[string, string]> = [
    ['redis://localhost:6379/2', 'redis://localhost:6379/2'],
    ['redis://:word@localhost', 'redis://:********@localhost'],
    ['rediss://user:word@a:1,b:2', 'rediss://user:********@a:1,rediss://b:2'],
    ['redis:/user:word@host', '********'],
    ['localhost:6379', 'localhost:6379'],
    ['redis://:word', '********'],
    ['redis://:word@host/x@y', '********']
  ]
  for (const [text, expected] of masks) {
    it(`shows ${text} as ${expected}`, () => {
      expect(maskRedisAddress(text)).to.equal(expected)
    })
  }

  it('never shows a password, whatever else is wrong', () => {
    const word = fc.stringMatching(/^[A-Za-z0-9!$*()~-]{6,12}$/).map(text => `PW${text}`)
    const around = fc.string({ maxLength: 12 }).map(text => text.replace(/@/g, ''))
    fc.assert(fc.property(word, fc.constantFrom('redis://', 'rediss://', 'redis:', 'http://', ''), around, (password, scheme, rest) => {
      expect(maskRedisAddress(`${scheme}user:${password}@${rest}`)).to.not.include(password)
      expect(maskRedisAddress(`${scheme}:${password}`)).to.not.include(password)
      expect(maskRedisAddress(`${scheme}:${password}@host,${rest}`)).to.not.include(password)
    }), { numRuns: 2_000 })
  })
})
