import { createServer } from 'node:http'
import { once } from 'node:events'
import { expect } from 'chai'
import { isPublicAddress, PrivateAddressError, publicFetch } from '../../src/node/public-fetch.ts'
import type { AddressInfo } from 'node:net'

describe('What users have the fleet ask', () => {
  const CASES: Array<[address: string, isPublic: boolean]> = [
    ['8.8.8.8', true], ['2a00:1450::1', true], ['172.32.0.1', true], ['172.31.0.1', false], ['127.0.0.1', false], ['10.1.2.3', false], ['169.254.169.254', false],
    ['100.64.0.1', false], ['0.0.0.0', false], ['::1', false], ['::', false], ['::ffff:127.0.0.1', false], ['::ffff:8.8.8.8', false], ['fe80::1', false],
    ['fd00::1', false], ['64:ff9b::7f00:1', false], ['2002:7f00:1::', false], ['255.255.255.255', false], ['relay.example.org', false]
  ]
  for (const [address, isPublic] of CASES) {
    it(`${isPublic ? 'may' : 'may not'} be at ${address}`, () => { expect(isPublicAddress(address)).to.equal(isPublic) })
  }

  it('is never this machine, by address, by name, or by another way to write it', async () => {
    let asked = 0
    const server = createServer((_request, response) => { asked++; response.end() }).listen(0)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', '0']) {
      const failure = await publicFetch(`http://${host}:${port}/`).then(() => undefined, (error: Error) => error)
      expect(failure, host).to.be.instanceOf(PrivateAddressError)
    }
    expect(asked).to.equal(0)
    server.close()
  })
})
