/**
 * A ledger of stakes as lines of JSON, each signed by the ledger's key and chained to the one before by its hash: what was written cannot be changed,
 * reordered or taken out of the middle unnoticed. That lines are missing at the end shows to one who has seen them: a running seed, and an operator
 * who compares the head.
 */
import { createHash } from 'node:crypto'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { peerIdBytesOf, RecordError } from '@skein/records'
import type { PrivateKey, PublicKey } from '@libp2p/interface'
import type { Stake } from './rules/stake-rule.ts'

/** "From now on this is what is staked for that peer"; an amount of 0 takes it back. */
export interface StakeEntry extends Stake {
  /** From 1 on, without gaps */
  seq: number
  /** SHA-256 of the line before, hexadecimal; of the first line 64 zeros */
  previous: string
  peer: string
  issuedAtMs: number
}

export interface StakeLedger {
  /** What is staked by now, by peer */
  stakes: Map<string, Stake>
  entries: number
  /** SHA-256 of the last line */
  head: string
  /** Hash of each line */
  hashes: string[]
}

/**
 * - `malformed`: a line is no entry
 * - `signature`: an entry is not signed by the ledger's key
 * - `chain`: an entry does not follow the one before: something was taken out, put in or moved
 * - `rolled_back`: entries that were there before are gone
 */
export type StakeLedgerProblem = 'malformed' | 'signature' | 'chain' | 'rolled_back'

/** The ledger was tampered with, or damaged. */
export class StakeLedgerError extends Error {
  static override name = 'StakeLedgerError'
  override readonly name = 'StakeLedgerError'
  readonly problem: StakeLedgerProblem
  /** From 1 on */
  readonly line: number

  constructor (problem: StakeLedgerProblem, line: number, message: string, options?: ErrorOptions) {
    super(`Line ${line} of the ledger of stakes: ${message}. Restore the ledger from a copy`, options)
    this.problem = problem
    this.line = line
  }
}

export const NO_PREVIOUS = '0'.repeat(64)
const DOMAIN = '/skein/stake-entry/1\n'
const MAX_LINE_LENGTH = 1_024
const MAX_UNIT_LENGTH = 16

/**
 * @param authority peer id of the ledger's key, which has the key in it: Ed25519 or secp256k1
 * @param before what was read from the same ledger earlier; it must have only grown
 * @throws {StakeLedgerError}
 */
export async function readStakeLedger (text: string, authority: string, before?: StakeLedger): Promise<StakeLedger> {
  const { publicKey } = peerIdFromString(authority)
  if (publicKey === undefined) {
    throw new RecordError('malformed', 'The key of a ledger of stakes is an Ed25519 or secp256k1 key')
  }
  const ledger: StakeLedger = { stakes: new Map(), entries: 0, head: NO_PREVIOUS, hashes: [] }
  const lines = text.split('\n')
  if (lines.at(-1) === '') {
    lines.pop()
  }
  for (const [i, line] of lines.entries()) {
    const { entry, signature } = readLine(line, i + 1)
    if (entry.seq !== i + 1 || entry.previous !== ledger.head) {
      throw new StakeLedgerError('chain', i + 1, 'it does not follow the line before')
    }
    // what was checked before need not be again
    const hash = hashOf(line)
    if (before?.hashes[i] !== hash && !await isSigned(publicKey, entry, signature)) {
      throw new StakeLedgerError('signature', i + 1, 'it is not signed by the key of the ledger')
    }
    ledger.entries++
    ledger.head = hash
    ledger.hashes.push(hash)
    ledger.stakes.set(entry.peer, { amount: entry.amount, unit: entry.unit, untilMs: entry.untilMs })
  }
  if (before !== undefined && before.entries > 0 && ledger.hashes[before.entries - 1] !== before.head) {
    throw new StakeLedgerError('rolled_back', ledger.entries, `the ledger had ${before.entries} entries before, which are gone or others now`)
  }
  return ledger
}

/** The line, with its end, that puts a stake down after what is in the ledger. @throws {RecordError} `malformed` */
export async function stakeLine (
  stake: Stake & { peer: string }, ledger: Pick<StakeLedger, 'entries' | 'head'>, privateKey: PrivateKey, nowMs: number
): Promise<string> {
  const entry: StakeEntry = {
    seq: ledger.entries + 1,
    previous: ledger.head,
    peer: stake.peer,
    amount: stake.amount,
    unit: stake.unit,
    untilMs: Math.floor(stake.untilMs),
    issuedAtMs: Math.floor(nowMs)
  }
  const problem = problemOf(entry)
  if (problem !== undefined) {
    throw new RecordError('malformed', problem)
  }
  const signature = Buffer.from(await privateKey.sign(signedBytes(entry))).toString('base64')
  return `${JSON.stringify({ ...entry, signature })}\n`
}

/** As the authority of a ledger is called. */
export function ledgerAuthority (privateKey: PrivateKey): string {
  return peerIdFromPrivateKey(privateKey).toString()
}

/** A signature of another length makes some keys throw. */
async function isSigned (publicKey: PublicKey, entry: StakeEntry, signature: Uint8Array): Promise<boolean> {
  try {
    return await publicKey.verify(signedBytes(entry), signature)
  } catch {
    return false
  }
}

/** In this order of fields, whatever the line has. */
function signedBytes ({ seq, previous, peer, amount, unit, untilMs, issuedAtMs }: StakeEntry): Uint8Array {
  return new TextEncoder().encode(DOMAIN + JSON.stringify([seq, previous, peer, amount, unit, untilMs, issuedAtMs]))
}

function readLine (line: string, number: number): { entry: StakeEntry, signature: Uint8Array } {
  try {
    const value = line.length > MAX_LINE_LENGTH ? undefined : JSON.parse(line) as Partial<StakeEntry> & { signature?: unknown } | null
    const entry = value as StakeEntry
    const problem = value == null ? 'not an entry' : problemOf(entry)
    if (problem !== undefined || typeof value?.signature !== 'string') {
      throw new RecordError('malformed', problem ?? 'without a signature')
    }
    return { entry, signature: Uint8Array.from(Buffer.from(value.signature, 'base64')) }
  } catch (cause) {
    throw new StakeLedgerError('malformed', number, `it is no entry (${(cause as Error).message})`, { cause })
  }
}

function problemOf ({ seq, previous, peer, amount, unit, untilMs, issuedAtMs }: StakeEntry): string | undefined {
  if (![seq, amount, untilMs, issuedAtMs].every(number => Number.isSafeInteger(number) && number >= 0)) {
    return 'seq, amount, untilMs and issuedAtMs are whole numbers from 0 on'
  }
  if (typeof previous !== 'string' || !/^[0-9a-f]{64}$/.test(previous)) {
    return 'previous is a SHA-256 hash'
  }
  if (typeof unit !== 'string' || !/^[!-~]+$/.test(unit) || unit.length > MAX_UNIT_LENGTH) {
    return `the unit has 1 to ${MAX_UNIT_LENGTH} visible ASCII characters`
  }
  try {
    peerIdBytesOf(peer)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

function hashOf (line: string): string {
  return createHash('sha256').update(line).digest('hex')
}
