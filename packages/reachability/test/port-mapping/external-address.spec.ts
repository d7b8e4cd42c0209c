import { expect } from 'chai'
import { isWorldAddress } from '../../src/port-mapping/external-address.ts'

describe('the address that a router says is its own', () => {
  const world = ['45.1.7.2', '8.8.8.8', '100.63.255.255', '100.128.0.0', '172.15.0.1', '172.32.0.1', '192.167.1.1', '223.255.255.255']
  const other = [
    '10.0.0.1', '100.64.0.2', '100.127.255.255', '172.16.0.1', '172.31.255.255', '192.168.0.20', '169.254.1.1', '127.0.0.1', '0.0.0.0', '192.0.2.1',
    '198.18.0.1', '198.51.100.7', '203.0.113.9', '224.0.0.1', '255.255.255.255', '', '1.2.3', '1.2.3.256', '2a01::1', ' 8.8.8.8'
  ]
  for (const address of world) {
    it(`${address} is of the world`, () => { expect(isWorldAddress(address)).to.equal(true) })
  }
  for (const address of other) {
    it(`${JSON.stringify(address)} is not`, () => { expect(isWorldAddress(address)).to.equal(false) })
  }
})
