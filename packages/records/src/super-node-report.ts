/**
 * A verifier's report on a candidate for a seat: what it found when it dialled it, and what it thinks of it (docs/specs/super-nodes.md,
 * section 6).
 */
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { checkLife, openEnvelope, sealEnvelope } from './envelope.ts'
import { checkName, checkNumber } from './field-bounds.ts'
import { SuperNodeReportRecord } from './pb/election.ts'
import { peerIdBytesOf, peerNameOf } from './peer-name.ts'
import { RecordError } from './record-error.ts'
import { checkNetworks, MAX_LEASE_NETWORKS } from './super-node-lease.ts'
import type { RecordKind } from './envelope.ts'
import type { ReportScoreRecord } from './pb/election.ts'
import type { VerifiedNetwork } from './super-node-lease.ts'
import type { PrivateKey } from '@libp2p/interface'

/** The longest life of a report: for so long a dial-back counts. */
export const MAX_REPORT_LIFE_MS = 21_600_000

/** Most bytes of an envelope with a report: four networks need some 450. */
export const MAX_REPORT_BYTES = 768

/** An age that is told as more is told as this: what an election looks at ends at a month. */
export const MAX_REPORT_AGE_MS = 10 * 365 * 86_400_000

const MILLION = 1_000_000

export const REPORT_KIND: RecordKind = { domain: '/skein/supernode-report/1', maxLifeMs: MAX_REPORT_LIFE_MS }

/** A score and what stands behind it. */
export interface ReportScore {
  /** 0 to 1, told in millionths */
  score: number
  dealings: number
}

export interface SuperNodeReport {
  /** Who dialled, as text */
  verifier: string
  /** Whom, as text */
  candidate: string
  /** Short region name, `eu-west` */
  region: string
  reachable: boolean
  /** Of the addresses at which it was reached, at most 4 */
  networks: VerifiedNetwork[]
  /** Left out when it was not measured */
  bytesPerSecond?: number
  /** For so long the verifier has known the candidate */
  ageMs: number
  /** Share of that time that it was there, 0 to 1, told in millionths; left out when it was not watched for long enough */
  uptime?: number
  /** What the verifier thinks of it as a relay, and as one that serves models; left out without dealings */
  relay?: ReportScore
  inference?: ReportScore
  issuedAtMs: number
  expiresAtMs: number
}

/** A report and the envelope it came in; forward the envelope. */
export interface SignedSuperNodeReport {
  report: SuperNodeReport
  envelope: Uint8Array<ArrayBuffer>
}

/** @throws {RecordError} `malformed`, `oversize`, or `wrong_signer` when the key is not that of `report.verifier` */
export async function signSuperNodeReport (report: SuperNodeReport, privateKey: PrivateKey): Promise<SignedSuperNodeReport> {
  checkReport(report)
  const { verifier, candidate, region, reachable, networks, bytesPerSecond, ageMs, uptime, relay, inference, issuedAtMs, expiresAtMs } = report
  if (verifier !== peerIdFromPrivateKey(privateKey).toString()) {
    throw new RecordError('wrong_signer', 'Only a verifier itself can sign its report')
  }
  const payload = SuperNodeReportRecord.encode({
    candidate: peerIdBytesOf(candidate),
    region,
    reachable,
    networks: networks.map(({ small, wide, system = 0 }) => ({ small, wide, system })),
    ...bytesPerSecond === undefined ? {} : { bytesPerSecond: Math.floor(bytesPerSecond) },
    ageMs: Math.floor(ageMs),
    ...uptime === undefined ? {} : { uptimeMillionths: Math.round(uptime * MILLION) },
    ...relay === undefined ? {} : { relay: encodedScore(relay) },
    ...inference === undefined ? {} : { inference: encodedScore(inference) },
    issuedAtMs: Math.floor(issuedAtMs),
    lifeMs: Math.floor(expiresAtMs) - Math.floor(issuedAtMs)
  })
  const envelope = await sealEnvelope(REPORT_KIND, payload, privateKey)
  checkSize(envelope)
  return { report, envelope }
}

/**
 * Opens an envelope with a report in it: size, type, signature, bounds of every field, life. Whether its verifier was to look, and what its word
 * counts, is for who reads it.
 *
 * @throws {RecordError} with the reason
 */
export async function openSuperNodeReport (envelope: Uint8Array, nowMs: number): Promise<SignedSuperNodeReport> {
  checkSize(envelope)
  const { peer, payload } = await openEnvelope(REPORT_KIND, envelope)
  const report = decodeReport(payload, peer)
  checkReport(report)
  checkLife(REPORT_KIND, report, nowMs)
  return { report, envelope: Uint8Array.from(envelope) }
}

function decodeReport (payload: Uint8Array, verifier: string): SuperNodeReport {
  let record: SuperNodeReportRecord
  try {
    record = SuperNodeReportRecord.decode(payload, { limits: { networks: MAX_LEASE_NETWORKS } })
  } catch (error) {
    throw new RecordError('malformed', 'Not a report on a candidate', { cause: error })
  }
  const { candidate, region, reachable, networks, bytesPerSecond, ageMs, uptimeMillionths, relay, inference, issuedAtMs, lifeMs } = record
  return {
    verifier,
    candidate: peerNameOf(candidate),
    region,
    reachable,
    networks: networks.map(({ small, wide, system }) => ({ small, wide, ...system === 0 ? {} : { system } })),
    ...bytesPerSecond === undefined ? {} : { bytesPerSecond },
    ageMs,
    ...uptimeMillionths === undefined ? {} : { uptime: uptimeMillionths / MILLION },
    ...relay === undefined ? {} : { relay: decodedScore(relay) },
    ...inference === undefined ? {} : { inference: decodedScore(inference) },
    issuedAtMs,
    expiresAtMs: issuedAtMs + lifeMs
  }
}

function encodedScore ({ score, dealings }: ReportScore): ReportScoreRecord {
  return { millionths: Math.round(score * MILLION), dealings: Math.floor(dealings) }
}

function decodedScore ({ millionths, dealings }: ReportScoreRecord): ReportScore {
  return { score: millionths / MILLION, dealings }
}

function checkReport (report: SuperNodeReport): void {
  checkName('region', report.region, { maxBytes: 32 })
  if (report.verifier === report.candidate) {
    throw new RecordError('malformed', 'Nobody reports on itself')
  }
  checkNetworks(report.networks)
  checkNumber('bytesPerSecond', report.bytesPerSecond ?? 0, 0, Number.MAX_SAFE_INTEGER, false)
  checkNumber('ageMs', report.ageMs, 0, MAX_REPORT_AGE_MS, false)
  checkNumber('uptime', report.uptime ?? 0, 0, 1, false)
  for (const { score, dealings } of [report.relay, report.inference].filter(given => given !== undefined)) {
    checkNumber('a score', score, 0, 1, false)
    checkNumber('dealings', dealings, 0, 0xffffffff, false)
  }
  checkNumber('issuedAtMs', report.issuedAtMs, 0, Number.MAX_SAFE_INTEGER, false)
  checkNumber('the life', report.expiresAtMs - report.issuedAtMs, 1, 0xffffffff, false)
}

function checkSize (envelope: Uint8Array): void {
  if (envelope.length > MAX_REPORT_BYTES) {
    throw new RecordError('oversize', `A report of ${envelope.length} bytes; at most ${MAX_REPORT_BYTES} are allowed`)
  }
}
