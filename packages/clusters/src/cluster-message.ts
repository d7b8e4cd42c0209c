/** What goes over streams of `/skein/clusters/1.0.0`: a message, and for a question its answer. */
import { peerIdBytesOf } from '@skein/records'
import {
  checkAddresses, checkPart, checkScope, checkSeq, checkTime, checkWeight, ClusterMessageError, MAX_TOLD_ADDRESSES, MAX_TOLD_PARTS, peerOf,
  tellableAddresses
} from './cluster-notice.ts'
import { MEMBER_BUCKETS } from './member-table.ts'
import { ClusterAnswer as WireAnswer, ClusterMessage as WireMessage } from './pb/cluster.ts'
import type { PartCount } from './cluster-notice.ts'
import type { Lease } from './coordinator-seat.ts'
import type { RegionAnswer } from './digest-exchange.ts'
import type { ModelLoad } from './load-table.ts'
import type { Member } from './member-table.ts'

export interface ToldMember extends Member {
  /** It has left, or was found gone */
  gone: boolean
}

export interface ToldHolder extends Lease {
  addresses: string[]
}

export interface MembersAnswer {
  /** `undefined` where the one that answers is not a member */
  topic?: string
  members: ToldMember[]
  near: Array<{ peer: string, addresses: string[] }>
  /** Where the one that answers thinks that the asker belongs, or its own cluster */
  cluster?: string
  holders: ToldHolder[]
  /** Checksums of what the one that answers knows itself, where it was asked with some */
  buckets?: Uint32Array
  /** Where it is not a member: how many peers there are in parts of the zone */
  parts?: PartCount[]
}

export type ClusterMessage =
  | { type: 'heartbeat', scope: string, term: number, expiresAtMs: number, more: boolean }
  | { type: 'digest', bytes: Uint8Array }
  | { type: 'load', seq: number, models: ModelLoad[] }
  | { type: 'members', topic: string, buckets?: Uint32Array }
  | { type: 'push', answer: MembersAnswer }
  | { type: 'where', model: string }

export type ClusterAnswer =
  | { type: 'members', answer: MembersAnswer }
  | { type: 'where', regions: RegionAnswer[] | undefined }

export const MAX_CLUSTER_MESSAGE_BYTES = 64 * 1024
/** 1024 members of 51 bytes each, and those that left; further ones are left out. */
export const MAX_TOLD_MEMBERS = 1152
export const MAX_NEAR = 16
const MAX_HOLDERS = 4
const MAX_TOPIC_LENGTH = 160
const MAX_MODELS = 64
const MAX_MODEL_LENGTH = 256
const MAX_REGIONS = 64
/** What `near`, holders and names take at most is left free. */
const MEMBER_LIST_BYTES = MAX_CLUSTER_MESSAGE_BYTES - 6 * 1024
const ANSWER_LIMITS = {
  members: MAX_TOLD_MEMBERS,
  near: MAX_NEAR,
  near$: { addresses: MAX_TOLD_ADDRESSES },
  holders: MAX_HOLDERS,
  holders$: { addresses: MAX_TOLD_ADDRESSES },
  parts: MAX_TOLD_PARTS
}

export function encodeMessage (message: ClusterMessage): Uint8Array<ArrayBuffer> {
  switch (message.type) {
    case 'heartbeat': {
      const { scope, term, expiresAtMs, more } = message
      return WireMessage.encode({ heartbeat: { scope, term, expiresAtMs, more } })
    }
    case 'digest':
      return WireMessage.encode({ digest: message.bytes as Uint8Array<ArrayBuffer> })
    case 'load':
      return WireMessage.encode({ load: { seq: message.seq, models: tellableLoads(message.models) } })
    case 'members':
      return WireMessage.encode({ members: { topic: message.topic, buckets: writeBuckets(message.buckets) } })
    case 'push':
      return WireMessage.encode({ push: writeMembers(message.answer) })
    case 'where':
      return WireMessage.encode({ where: { model: message.model } })
  }
}

/** Models beyond the 64th, and those whose names are too long, are left out. */
export function tellableLoads (models: readonly ModelLoad[]): ModelLoad[] {
  return models.filter(({ model }) => model.length > 0 && model.length <= MAX_MODEL_LENGTH).slice(0, MAX_MODELS)
    .map(({ model, free }) => ({ model, free: Math.max(0, Math.min(0xffffffff, Math.floor(free))) }))
}

/** @throws {ClusterMessageError} */
export function decodeMessage (bytes: Uint8Array): ClusterMessage {
  const read = readBounded(bytes, () => WireMessage.decode(bytes, { limits: { load: { models: MAX_MODELS }, push: ANSWER_LIMITS } }))
  const { heartbeat, load, members, push, where } = read
  const digest = read.digest.length === 0 ? undefined : read.digest
  if ([heartbeat, digest, load, members, push, where].filter(one => one !== undefined).length !== 1) {
    throw new ClusterMessageError('A message says one thing')
  }
  if (heartbeat !== undefined) {
    const { scope, term, expiresAtMs, more } = heartbeat
    return { type: 'heartbeat', scope: checkScope(scope) ?? '', term: checkSeq(term), expiresAtMs: checkTime(expiresAtMs), more }
  }
  if (load !== undefined) {
    return { type: 'load', seq: checkSeq(load.seq), models: load.models.map(({ model, free }) => ({ model: checkModel(model), free })) }
  }
  if (members !== undefined) {
    return { type: 'members', topic: checkTopic(members.topic), buckets: readBuckets(members.buckets) }
  }
  if (push !== undefined) {
    return { type: 'push', answer: readMembers(push) }
  }
  return where === undefined ? { type: 'digest', bytes: digest as Uint8Array } : { type: 'where', model: checkModel(where.model) }
}

export function encodeAnswer (answer: ClusterAnswer): Uint8Array<ArrayBuffer> {
  if (answer.type === 'members') {
    return WireAnswer.encode({ members: writeMembers(answer.answer) })
  }
  return WireAnswer.encode({ where: { notReady: answer.regions === undefined, regions: (answer.regions ?? []).slice(0, MAX_REGIONS) } })
}

/** @throws {ClusterMessageError} */
export function decodeAnswer (bytes: Uint8Array): ClusterAnswer {
  const limits = { members: ANSWER_LIMITS, where: { regions: MAX_REGIONS } }
  const { members, where } = readBounded(bytes, () => WireAnswer.decode(bytes, { limits }))
  if ((members === undefined) === (where === undefined)) {
    throw new ClusterMessageError('An answer says one thing')
  }
  if (members !== undefined) {
    return { type: 'members', answer: readMembers(members) }
  }
  const { notReady, regions } = where as NonNullable<typeof where>
  for (const { region } of regions) {
    if (checkScope(region)?.includes('/') !== false) {
      throw new ClusterMessageError('Not a region')
    }
  }
  return { type: 'where', regions: notReady ? undefined : regions }
}

function writeMembers ({ topic = '', members, near, cluster = '', holders, buckets, parts = [] }: MembersAnswer): NonNullable<WireAnswer['members']> {
  const told: NonNullable<WireAnswer['members']>['members'] = []
  let bytes = 0
  for (const { peer, seq, weight, scope = '', gone } of members) {
    bytes += 56 + scope.length
    if (told.length >= MAX_TOLD_MEMBERS || bytes > MEMBER_LIST_BYTES) {
      break
    }
    told.push({ peer: peerIdBytesOf(peer), seq, weight, scope, gone })
  }
  return {
    topic,
    members: told,
    near: near.slice(0, MAX_NEAR).map(({ peer, addresses }) => ({ peer: peerIdBytesOf(peer), addresses: shortAddresses(addresses) })),
    cluster,
    holders: holders.slice(0, MAX_HOLDERS).map(({ holder, term, expiresAtMs, addresses }) =>
      ({ peer: peerIdBytesOf(holder), term, expiresAtMs, addresses: shortAddresses(addresses) })),
    buckets: writeBuckets(buckets),
    parts: parts.slice(0, MAX_TOLD_PARTS)
  }
}

/** 20 peers of 240 bytes each fit into what is left free for them. */
function shortAddresses (addresses: readonly string[]): string[] {
  const short: string[] = []
  let length = 0
  for (const address of tellableAddresses(addresses)) {
    length += address.length + 2
    if (length <= 240) {
      short.push(address)
    }
  }
  return short
}

function readMembers ({ topic, members, near, cluster, holders, buckets, parts }: NonNullable<WireAnswer['members']>): MembersAnswer {
  return {
    topic: topic === '' ? undefined : checkTopic(topic),
    members: members.map(({ peer, seq, weight, scope, gone }) =>
      ({ peer: peerOf(peer), seq: checkSeq(seq), weight: checkWeight(weight), scope: checkScope(scope), gone })),
    near: near.map(({ peer, addresses }) => ({ peer: peerOf(peer), addresses: checkAddresses(addresses) })),
    cluster: checkScope(cluster),
    holders: holders.map(({ peer, term, expiresAtMs, addresses }) =>
      ({ holder: peerOf(peer), term: checkSeq(term), expiresAtMs: checkTime(expiresAtMs), addresses: checkAddresses(addresses) })),
    buckets: readBuckets(buckets),
    parts: parts.map(checkPart)
  }
}

function readBounded<T> (bytes: Uint8Array, read: () => T): T {
  if (bytes.length > MAX_CLUSTER_MESSAGE_BYTES) {
    throw new ClusterMessageError(`A message of ${bytes.length} bytes; at most ${MAX_CLUSTER_MESSAGE_BYTES} are allowed`)
  }
  try {
    return read()
  } catch (cause) {
    throw new ClusterMessageError('Not a message', { cause })
  }
}

function writeBuckets (buckets?: Uint32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array((buckets?.length ?? 0) * 4)
  const view = new DataView(bytes.buffer)
  buckets?.forEach((bucket, i) => { view.setUint32(i * 4, bucket) })
  return bytes
}

function readBuckets (bytes: Uint8Array): Uint32Array | undefined {
  if (bytes.length === 0) {
    return undefined
  }
  if (bytes.length !== MEMBER_BUCKETS * 4) {
    throw new ClusterMessageError(`${bytes.length} bytes of checksums`)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return Uint32Array.from({ length: MEMBER_BUCKETS }, (_, i) => view.getUint32(i * 4))
}

function checkTopic (topic: string): string {
  if (topic.length === 0 || topic.length > MAX_TOPIC_LENGTH) {
    throw new ClusterMessageError('Not a topic')
  }
  return topic
}

function checkModel (model: string): string {
  if (model.length === 0 || model.length > MAX_MODEL_LENGTH) {
    throw new ClusterMessageError('Not a model')
  }
  return model
}
