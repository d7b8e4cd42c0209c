// Generated from greeting.proto by `node scripts/protobuf.mjs packages/clusters/src/pb/greeting.proto`. Do not edit.
import { decodeMessage, encodeMessage, MaxLengthError } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface Greeting {
  position: number[]
  height: number
  error: number
  region: string
  zone: string
  depth: number
  coordinator: Uint8Array<ArrayBuffer>
  nonce: number
}

export const Greeting = (() => {
  const codec: Pick<Codec<Greeting>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if (obj.position != null && obj.position.length > 0) {
        for (const value of obj.position) {
          w.uint32(8)
          w.sint32(value)
        }
      }

      if ((obj.height != null && obj.height !== 0)) {
        w.uint32(16)
        w.uint32(obj.height)
      }

      if ((obj.error != null && obj.error !== 0)) {
        w.uint32(24)
        w.uint32(obj.error)
      }

      if ((obj.region != null && obj.region !== '')) {
        w.uint32(34)
        w.string(obj.region)
      }

      if ((obj.zone != null && obj.zone !== '')) {
        w.uint32(42)
        w.string(obj.zone)
      }

      if ((obj.depth != null && obj.depth !== 0)) {
        w.uint32(48)
        w.uint32(obj.depth)
      }

      if ((obj.coordinator != null && obj.coordinator.byteLength > 0)) {
        w.uint32(58)
        w.bytes(obj.coordinator)
      }

      if ((obj.nonce != null && obj.nonce !== 0)) {
        w.uint32(69)
        w.fixed32(obj.nonce)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        position: [],
        height: 0,
        error: 0,
        region: '',
        zone: '',
        depth: 0,
        coordinator: new Uint8Array(0),
        nonce: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            if (opts.limits?.position != null && obj.position.length === opts.limits.position) {
              throw new MaxLengthError('Decode error - repeated field "position" had too many elements')
            }

            obj.position.push(reader.sint32())
            break
          }
          case 2: {
            obj.height = reader.uint32()
            break
          }
          case 3: {
            obj.error = reader.uint32()
            break
          }
          case 4: {
            obj.region = reader.string()
            break
          }
          case 5: {
            obj.zone = reader.string()
            break
          }
          case 6: {
            obj.depth = reader.uint32()
            break
          }
          case 7: {
            obj.coordinator = reader.bytes()
            break
          }
          case 8: {
            obj.nonce = reader.fixed32()
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
    encode: (obj: Partial<Greeting>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Greeting>): Greeting => decodeMessage(buf, codec, opts)
  }
})()
