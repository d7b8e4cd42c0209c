import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { systemClock } from '@skein/core/system'
import { checkPuzzle } from '@skein/records/puzzle'
import { expect } from 'chai'
import { AdmissionProofs } from '../src/admission/admission-proofs.ts'
import { unmetRules } from '../src/admission/seed-refusal.ts'
import { puzzleFile } from '../src/node/puzzle-file.ts'
import type { PuzzleProgress } from '../src/admission/puzzle-keeper.ts'
import type { UnmetRule } from '../src/admission/seed-refusal.ts'
import type { PeerCredential } from '@skein/records'

const TOKEN: PeerCredential = { type: 'token', envelope: Uint8Array.of(1, 2, 3) }

describe('what a peer shows to seeds', function () {
  this.timeout(60_000)
  const clock = systemClock()
  let folder: string
  let peer: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skein-proofs-'))
    peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
  })
  afterEach(async () => { await rm(folder, { recursive: true }) })

  function proofsOf (options: { credentials?: PeerCredential[], onProgress?: (progress: PuzzleProgress) => void, signal?: AbortSignal } = {}): AdmissionProofs {
    return new AdmissionProofs({
      peer, clock, credentials: options.credentials ?? [], maxPuzzleBits: 2, store: puzzleFile(join(folder, 'puzzle.solution')),
      signal: options.signal ?? new AbortController().signal, onProgress: options.onProgress ?? (() => {}), onStoreFailure: error => { throw error }
    })
  }

  function unmet (rule: string, puzzleBits = 0): UnmetRule[] {
    return [{ rule, problem: 'missing', message: '', where: '', puzzleBits }]
  }

  it('is nothing until a seed asks, then what it asked for, and for that seed alone', async () => {
    const proofs = proofsOf({ credentials: [TOKEN] })
    expect(proofs.proofsFor('seed')).to.deep.equal([])
    expect(proofs.remedyFor('seed', unmet('certificate'))).to.equal(undefined)
    expect(proofs.remedyFor('seed', unmet('token'))).to.equal('credentials')
    await proofs.apply('seed', 'credentials', unmet('token'))
    expect(proofs.proofsFor('seed')).to.deep.equal([{ rule: 'token', parts: [TOKEN.envelope] }])
    expect(proofs.proofsFor('other')).to.deep.equal([])
    // it was shown, and is not shown again at once
    expect(proofs.remedyFor('seed', unmet('token'))).to.equal(undefined)
  })

  it('is work as well, which leaves room for others while it is done and tells how it goes', async () => {
    const told: PuzzleProgress[] = []
    const proofs = proofsOf({ onProgress: progress => { told.push(progress) } })
    let turns = 0
    const timer = setInterval(() => { turns++ }, 1)
    expect(proofs.remedyFor('seed', unmet('puzzle'))).to.equal('puzzle')
    await proofs.apply('seed', 'puzzle', unmet('puzzle'))
    clearInterval(timer)
    const [proof] = proofs.proofsFor('seed')
    expect(checkPuzzle(peer, proof?.parts[0] as Uint8Array, 0, clock.nowMs())).to.be.above(clock.nowMs())
    expect(turns).to.be.above(5)
    expect(told.at(-1)).to.deep.include({ bits: 0, solved: true })
    // a seed that does not take it gets no more work out of this peer
    expect(proofs.remedyFor('seed', unmet('puzzle'))).to.equal(undefined)
    expect(proofs.remedyFor('seed', unmet('puzzle', 3))).to.equal(undefined)
  })

  it('is given up when the peer stops', async () => {
    const stopped = new AbortController()
    const proofs = proofsOf({ signal: stopped.signal })
    const work = proofs.apply('seed', 'puzzle', unmet('puzzle', 2)).then(() => 'done', () => 'given up')
    setTimeout(() => { stopped.abort() }, 30)
    expect(await work).to.equal('given up')
    expect(proofs.proofsFor('seed')).to.deep.equal([])
  })

  it('is kept on disk, unless it was damaged there or is another peer\'s', async () => {
    const work = async (): Promise<boolean> => {
      let worked = false
      const proofs = proofsOf({ onProgress: () => { worked = true } })
      await proofs.apply('seed', 'puzzle', unmet('puzzle'))
      return worked
    }
    expect(await work()).to.equal(true)
    expect(await work()).to.equal(false)
    await writeFile(join(folder, 'puzzle.solution'), new Uint8Array(136).fill(7))
    expect(await work()).to.equal(true)
    peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
    expect(await work()).to.equal(true)
  })

  it('is asked for in words that cannot spoil a terminal, and not in too many', () => {
    const told = unmetRules(Array.from({ length: 20 }, () => ({
      rule: 'token', problem: 'missing', message: `\u001b[31m${'x'.repeat(1_000)}`, where: 'a\nb', puzzleBits: 0
    })))
    expect(told).to.have.length(8)
    expect(told[0]?.message).to.match(/^\[31mx{395}$/)
    expect(told[0]?.where).to.equal('ab')
  })
})
