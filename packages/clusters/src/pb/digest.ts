// Generated from digest.proto by `node scripts/protobuf.mjs packages/clusters/src/pb/digest.proto`. Do not edit.
import { decodeMessage, encodeMessage, MaxLengthError } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface CapacityDigest {
  origin: string
  seq: number
  issuedAtMs: number
  scope: string
  view: number
  regions: RegionEntry[]
  parts: DigestPart[]
}

export const CapacityDigest = (() => {
  const codec: Pick<Codec<CapacityDigest>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.origin != null && obj.origin !== '')) {
        w.uint32(10)
        w.string(obj.origin)
      }

      if ((obj.seq != null && obj.seq !== 0)) {
        w.uint32(16)
        w.uint64Number(obj.seq)
      }

      if ((obj.issuedAtMs != null && obj.issuedAtMs !== 0)) {
        w.uint32(24)
        w.uint64Number(obj.issuedAtMs)
      }

      if ((obj.scope != null && obj.scope !== '')) {
        w.uint32(34)
        w.string(obj.scope)
      }

      if ((obj.view != null && obj.view !== 0)) {
        w.uint32(40)
        w.uint32(obj.view)
      }

      if (obj.regions != null && obj.regions.length > 0) {
        for (const value of obj.regions) {
          w.uint32(50)
          RegionEntry.codec().encode(value, w)
        }
      }

      if (obj.parts != null && obj.parts.length > 0) {
        for (const value of obj.parts) {
          w.uint32(58)
          DigestPart.codec().encode(value, w)
        }
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        origin: '',
        seq: 0,
        issuedAtMs: 0,
        scope: '',
        view: 0,
        regions: [],
        parts: []
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.origin = reader.string()
            break
          }
          case 2: {
            obj.seq = reader.uint64Number()
            break
          }
          case 3: {
            obj.issuedAtMs = reader.uint64Number()
            break
          }
          case 4: {
            obj.scope = reader.string()
            break
          }
          case 5: {
            obj.view = reader.uint32()
            break
          }
          case 6: {
            if (opts.limits?.regions != null && obj.regions.length === opts.limits.regions) {
              throw new MaxLengthError('Decode error - repeated field "regions" had too many elements')
            }

            obj.regions.push(RegionEntry.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.regions$
            }))
            break
          }
          case 7: {
            if (opts.limits?.parts != null && obj.parts.length === opts.limits.parts) {
              throw new MaxLengthError('Decode error - repeated field "parts" had too many elements')
            }

            obj.parts.push(DigestPart.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.parts$
            }))
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<CapacityDigest>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CapacityDigest>): CapacityDigest => decodeMessage(buf, codec, opts)
  }
})()

export interface DigestPart {
  prefix: number
  depth: number
  peers: number
}

export const DigestPart = (() => {
  const codec: Pick<Codec<DigestPart>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.prefix != null && obj.prefix !== 0)) {
        w.uint32(8)
        w.uint32(obj.prefix)
      }

      if ((obj.depth != null && obj.depth !== 0)) {
        w.uint32(16)
        w.uint32(obj.depth)
      }

      if ((obj.peers != null && obj.peers !== 0)) {
        w.uint32(24)
        w.uint32(obj.peers)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        prefix: 0,
        depth: 0,
        peers: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.prefix = reader.uint32()
            break
          }
          case 2: {
            obj.depth = reader.uint32()
            break
          }
          case 3: {
            obj.peers = reader.uint32()
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<DigestPart>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<DigestPart>): DigestPart => decodeMessage(buf, codec, opts)
  }
})()

export interface RegionEntry {
  region: string
  peers: number
  keys: Uint8Array<ArrayBuffer>
  counts: Uint8Array<ArrayBuffer>
  tailWidth: number
  tail: Uint8Array<ArrayBuffer>
}

export const RegionEntry = (() => {
  const codec: Pick<Codec<RegionEntry>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.region != null && obj.region !== '')) {
        w.uint32(10)
        w.string(obj.region)
      }

      if ((obj.peers != null && obj.peers !== 0)) {
        w.uint32(16)
        w.uint32(obj.peers)
      }

      if ((obj.keys != null && obj.keys.byteLength > 0)) {
        w.uint32(26)
        w.bytes(obj.keys)
      }

      if ((obj.counts != null && obj.counts.byteLength > 0)) {
        w.uint32(34)
        w.bytes(obj.counts)
      }

      if ((obj.tailWidth != null && obj.tailWidth !== 0)) {
        w.uint32(40)
        w.uint32(obj.tailWidth)
      }

      if ((obj.tail != null && obj.tail.byteLength > 0)) {
        w.uint32(50)
        w.bytes(obj.tail)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        region: '',
        peers: 0,
        keys: new Uint8Array(0),
        counts: new Uint8Array(0),
        tailWidth: 0,
        tail: new Uint8Array(0)
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.region = reader.string()
            break
          }
          case 2: {
            obj.peers = reader.uint32()
            break
          }
          case 3: {
            obj.keys = reader.bytes()
            break
          }
          case 4: {
            obj.counts = reader.bytes()
            break
          }
          case 5: {
            obj.tailWidth = reader.uint32()
            break
          }
          case 6: {
            obj.tail = reader.bytes()
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<RegionEntry>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RegionEntry>): RegionEntry => decodeMessage(buf, codec, opts)
  }
})()
