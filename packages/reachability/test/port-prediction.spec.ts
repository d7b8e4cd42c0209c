import { expect } from 'chai'
import { predictPorts } from '../src/index.ts'
import type { NatVerdict } from '../src/index.ts'

const CASES: Array<[what: string, port: number, nat: NatVerdict | undefined, ports: number[]]> = [
  ['not known', 40_000, undefined, [40_000]],
  ['one mapping for all', 40_000, { mapping: 'endpoint-independent' }, [40_000]],
  ['UDP blocked', 40_000, { mapping: 'blocked' }, [40_000]],
  ['the next port each time', 40_000, { mapping: 'sequential', step: 1 }, [40_001, 40_002]],
  ['every fourth port', 40_000, { mapping: 'sequential', step: 4 }, [40_004, 40_008]],
  ['the last port but one', 65_534, { mapping: 'sequential', step: 1 }, [65_535]],
  ['sequential by a step that is not known', 40_000, { mapping: 'sequential' }, [40_000]]
]

describe('the ports at which another will see a socket', () => {
  for (const [what, port, nat, ports] of CASES) {
    it(`of a NAT with ${what}: ${ports.join(', ')} after ${port}`, () => {
      expect(predictPorts(port, nat)).to.deep.equal(ports)
    })
  }
})
