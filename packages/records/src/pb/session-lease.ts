// Generated from session-lease.proto by `node scripts/protobuf.mjs packages/records/src/pb/session-lease.proto`. Do not edit.
import { decodeMessage, encodeMessage } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface SessionLeaseRecord {
  session: string
  owner: Uint8Array<ArrayBuffer>
  fence: number
  seatTerm: number
  seatFence: number
  region: string
  ingestHost: string
  ingestPort: number
  playHost: string
  playPort: number
  issuedAtMs: number
  lifeMs: number
}

export const SessionLeaseRecord = (() => {
  const codec: Pick<Codec<SessionLeaseRecord>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.session != null && obj.session !== '')) {
        w.uint32(10)
        w.string(obj.session)
      }

      if ((obj.owner != null && obj.owner.byteLength > 0)) {
        w.uint32(18)
        w.bytes(obj.owner)
      }

      if ((obj.fence != null && obj.fence !== 0)) {
        w.uint32(24)
        w.uint64Number(obj.fence)
      }

      if ((obj.seatTerm != null && obj.seatTerm !== 0)) {
        w.uint32(32)
        w.uint64Number(obj.seatTerm)
      }

      if ((obj.seatFence != null && obj.seatFence !== 0)) {
        w.uint32(40)
        w.uint64Number(obj.seatFence)
      }

      if ((obj.region != null && obj.region !== '')) {
        w.uint32(50)
        w.string(obj.region)
      }

      if ((obj.ingestHost != null && obj.ingestHost !== '')) {
        w.uint32(58)
        w.string(obj.ingestHost)
      }

      if ((obj.ingestPort != null && obj.ingestPort !== 0)) {
        w.uint32(64)
        w.uint32(obj.ingestPort)
      }

      if ((obj.playHost != null && obj.playHost !== '')) {
        w.uint32(74)
        w.string(obj.playHost)
      }

      if ((obj.playPort != null && obj.playPort !== 0)) {
        w.uint32(80)
        w.uint32(obj.playPort)
      }

      if ((obj.issuedAtMs != null && obj.issuedAtMs !== 0)) {
        w.uint32(88)
        w.uint64Number(obj.issuedAtMs)
      }

      if ((obj.lifeMs != null && obj.lifeMs !== 0)) {
        w.uint32(96)
        w.uint32(obj.lifeMs)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        session: '',
        owner: new Uint8Array(0),
        fence: 0,
        seatTerm: 0,
        seatFence: 0,
        region: '',
        ingestHost: '',
        ingestPort: 0,
        playHost: '',
        playPort: 0,
        issuedAtMs: 0,
        lifeMs: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.session = reader.string()
            break
          }
          case 2: {
            obj.owner = reader.bytes()
            break
          }
          case 3: {
            obj.fence = reader.uint64Number()
            break
          }
          case 4: {
            obj.seatTerm = reader.uint64Number()
            break
          }
          case 5: {
            obj.seatFence = reader.uint64Number()
            break
          }
          case 6: {
            obj.region = reader.string()
            break
          }
          case 7: {
            obj.ingestHost = reader.string()
            break
          }
          case 8: {
            obj.ingestPort = reader.uint32()
            break
          }
          case 9: {
            obj.playHost = reader.string()
            break
          }
          case 10: {
            obj.playPort = reader.uint32()
            break
          }
          case 11: {
            obj.issuedAtMs = reader.uint64Number()
            break
          }
          case 12: {
            obj.lifeMs = reader.uint32()
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
    encode: (obj: Partial<SessionLeaseRecord>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SessionLeaseRecord>): SessionLeaseRecord => decodeMessage(buf, codec, opts)
  }
})()
