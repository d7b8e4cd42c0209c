import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect } from 'chai'
import { checkPuzzle, decodeSolution, encodeSolution, PUZZLE_WINDOW_MS, puzzleExpiryMs, puzzleWindow, solvePuzzle } from '../src/puzzle/index.ts'
import type { RecordError } from '../src/index.ts'

/** Any peer, and one of its windows. */
const PEER = '12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB'
const WINDOW = 700

describe('the puzzle of a peer id', function () {
  this.timeout(60_000)
  const nowMs = puzzleExpiryMs(PEER, WINDOW) - 1.5 * PUZZLE_WINDOW_MS
  let solution: Uint8Array<ArrayBuffer>

  before(() => { solution = run(solvePuzzle(PEER, WINDOW, 0)) })

  function reason (peer: string, bytes: Uint8Array, bits = 0, atMs = nowMs): string {
    try {
      checkPuzzle(peer, bytes, bits, atMs)
      return 'holds'
    } catch (error) {
      return (error as RecordError).reason
    }
  }

  it('is solved the same at every time by everybody', () => {
    expect(Buffer.from(solution).toString('hex')).to.equal(VECTOR)
  })

  it('holds in its window and the next', () => {
    expect(puzzleWindow(PEER, nowMs)).to.equal(WINDOW)
    expect(reason(PEER, solution)).to.equal('holds')
    expect(reason(PEER, solution, 0, nowMs + PUZZLE_WINDOW_MS)).to.equal('holds')
    expect(reason(PEER, solution, 0, nowMs + 2 * PUZZLE_WINDOW_MS)).to.equal('expired')
    expect(reason(PEER, solution, 0, nowMs - 2 * PUZZLE_WINDOW_MS)).to.equal('future')
    expect(checkPuzzle(PEER, solution, 0, nowMs)).to.equal(puzzleExpiryMs(PEER, WINDOW))
  })

  it('is no other peer\'s', async () => {
    const other = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
    const { indices } = decodeSolution(solution)
    expect(reason(other, encodeSolution({ window: puzzleWindow(other, nowMs), nonce: 0, indices }))).to.equal('signature')
  })

  it('does not hold when it was changed in any way, or put in another order', () => {
    const { window, nonce, indices } = decodeSolution(solution)
    expect(reason(PEER, encodeSolution({ window, nonce: nonce + 1, indices }))).to.equal('signature')
    for (let i = 0; i < indices.length; i++) {
      const changed = indices.map((index, at) => at === i ? index ^ 1 : index)
      expect(reason(PEER, encodeSolution({ window, nonce, indices: changed }))).to.equal('signature')
    }
    // the two branches of each pair, and of the whole, the other way round: the sums are the same
    for (let half = 1; half < 32; half *= 2) {
      const swapped = Uint32Array.from({ length: 32 }, (_, i) => indices[i < 2 * half ? i ^ half : i] as number)
      expect(reason(PEER, encodeSolution({ window, nonce, indices: swapped }))).to.equal('signature')
    }
    const twice = indices.map((index, i) => i % 2 === 0 ? index : indices[i - 1] as number)
    expect(reason(PEER, encodeSolution({ window, nonce, indices: twice }))).to.equal('signature')
    expect(reason(PEER, new Uint8Array(136).fill(255))).to.equal('future')
    expect(reason(PEER, solution.subarray(1))).to.equal('malformed')
  })

  it('takes as much work as is asked for', () => {
    const harder = run(solvePuzzle(PEER, WINDOW, 2))
    expect(reason(PEER, harder, 2)).to.equal('holds')
    expect(reason(PEER, harder, 1)).to.equal('holds')
    expect(reason(PEER, harder, 20)).to.equal('signature')
  })

  it('begins its windows at another time for each peer', async () => {
    const ends = await Promise.all(Array.from({ length: 20 }, async () =>
      puzzleExpiryMs(peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString(), WINDOW) % PUZZLE_WINDOW_MS))
    expect(new Set(ends).size).to.equal(20)
  })
})

function run (steps: Iterator<number, Uint8Array<ArrayBuffer>>): Uint8Array<ArrayBuffer> {
  for (;;) {
    const step = steps.next()
    if (step.done === true) {
      return step.value
    }
  }
}

const VECTOR =
  '000002bc000000000000598a000e99e200034d790009e1aa0002a9f90009e1da000a4692000ccfa50004688b000848cc0007811b000f2d9d00065190000668d90006e311' +
  '00078bfd0000b29800035a070006a703000b105800010b6c0007d6ac0004fe10000af33d0004ba9e0008ef6b000564db000d5f9b0007f54e00098d44000a840d000da0d4'
