import { expect } from 'chai'
import { hasRestarted } from '../../src/port-mapping/router-epoch.ts'

describe('the epoch of a router', () => {
  const table: Array<[name: string, beforeS: number, nowS: number, passedS: number, restarted: boolean]> = [
    ['goes on with the time', 100, 130, 30, false],
    ['may be a second behind, as seconds are whole', 100, 99, 0, false],
    ['may be slow by a sixteenth', 0, 3_376, 3_600, false],
    ['begins at nothing after a restart', 5_000, 3, 30, true],
    ['is less than it should be after a restart long ago', 5_000, 5_100, 3_600, true],
    ['runs ahead when its router has set its clock', 100, 9_000, 30, true]
  ]
  for (const [name, beforeS, nowS, passedS, restarted] of table) {
    it(name, () => {
      expect(hasRestarted({ epochS: beforeS, atMs: 0 }, { epochS: nowS, atMs: passedS * 1_000 })).to.equal(restarted)
    })
  }
})
