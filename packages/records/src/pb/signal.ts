// Generated from signal.proto by `node scripts/protobuf.mjs packages/records/src/pb/signal.proto`. Do not edit.
import { decodeMessage, encodeMessage } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface SignalFrame {
  id: number
  to: Uint8Array<ArrayBuffer>
  from: Uint8Array<ArrayBuffer>
  kind: string
  payload: Uint8Array<ArrayBuffer>
  outcome: string
  retryAfterMs: number
  timeoutMs: number
}

export const SignalFrame = (() => {
  const codec: Pick<Codec<SignalFrame>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.id != null && obj.id !== 0)) {
        w.uint32(8)
        w.uint32(obj.id)
      }

      if ((obj.to != null && obj.to.byteLength > 0)) {
        w.uint32(18)
        w.bytes(obj.to)
      }

      if ((obj.from != null && obj.from.byteLength > 0)) {
        w.uint32(26)
        w.bytes(obj.from)
      }

      if ((obj.kind != null && obj.kind !== '')) {
        w.uint32(34)
        w.string(obj.kind)
      }

      if ((obj.payload != null && obj.payload.byteLength > 0)) {
        w.uint32(42)
        w.bytes(obj.payload)
      }

      if ((obj.outcome != null && obj.outcome !== '')) {
        w.uint32(50)
        w.string(obj.outcome)
      }

      if ((obj.retryAfterMs != null && obj.retryAfterMs !== 0)) {
        w.uint32(56)
        w.uint32(obj.retryAfterMs)
      }

      if ((obj.timeoutMs != null && obj.timeoutMs !== 0)) {
        w.uint32(64)
        w.uint32(obj.timeoutMs)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        id: 0,
        to: new Uint8Array(0),
        from: new Uint8Array(0),
        kind: '',
        payload: new Uint8Array(0),
        outcome: '',
        retryAfterMs: 0,
        timeoutMs: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.id = reader.uint32()
            break
          }
          case 2: {
            obj.to = reader.bytes()
            break
          }
          case 3: {
            obj.from = reader.bytes()
            break
          }
          case 4: {
            obj.kind = reader.string()
            break
          }
          case 5: {
            obj.payload = reader.bytes()
            break
          }
          case 6: {
            obj.outcome = reader.string()
            break
          }
          case 7: {
            obj.retryAfterMs = reader.uint32()
            break
          }
          case 8: {
            obj.timeoutMs = reader.uint32()
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
    encode: (obj: Partial<SignalFrame>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SignalFrame>): SignalFrame => decodeMessage(buf, codec, opts)
  }
})()

export interface FleetSignal {
  seed: string
  id: number
  from: Uint8Array<ArrayBuffer>
  to: Uint8Array<ArrayBuffer>
  kind: string
  payload: Uint8Array<ArrayBuffer>
  lifeMs: number
  outcome: string
}

export const FleetSignal = (() => {
  const codec: Pick<Codec<FleetSignal>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.seed != null && obj.seed !== '')) {
        w.uint32(10)
        w.string(obj.seed)
      }

      if ((obj.id != null && obj.id !== 0)) {
        w.uint32(16)
        w.uint64Number(obj.id)
      }

      if ((obj.from != null && obj.from.byteLength > 0)) {
        w.uint32(26)
        w.bytes(obj.from)
      }

      if ((obj.to != null && obj.to.byteLength > 0)) {
        w.uint32(34)
        w.bytes(obj.to)
      }

      if ((obj.kind != null && obj.kind !== '')) {
        w.uint32(42)
        w.string(obj.kind)
      }

      if ((obj.payload != null && obj.payload.byteLength > 0)) {
        w.uint32(50)
        w.bytes(obj.payload)
      }

      if ((obj.lifeMs != null && obj.lifeMs !== 0)) {
        w.uint32(56)
        w.uint32(obj.lifeMs)
      }

      if ((obj.outcome != null && obj.outcome !== '')) {
        w.uint32(66)
        w.string(obj.outcome)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        seed: '',
        id: 0,
        from: new Uint8Array(0),
        to: new Uint8Array(0),
        kind: '',
        payload: new Uint8Array(0),
        lifeMs: 0,
        outcome: ''
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.seed = reader.string()
            break
          }
          case 2: {
            obj.id = reader.uint64Number()
            break
          }
          case 3: {
            obj.from = reader.bytes()
            break
          }
          case 4: {
            obj.to = reader.bytes()
            break
          }
          case 5: {
            obj.kind = reader.string()
            break
          }
          case 6: {
            obj.payload = reader.bytes()
            break
          }
          case 7: {
            obj.lifeMs = reader.uint32()
            break
          }
          case 8: {
            obj.outcome = reader.string()
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
    encode: (obj: Partial<FleetSignal>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<FleetSignal>): FleetSignal => decodeMessage(buf, codec, opts)
  }
})()
