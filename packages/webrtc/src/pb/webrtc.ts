// Generated from webrtc.proto by `node scripts/protobuf.mjs packages/webrtc/src/pb/webrtc.proto`. Do not edit.
import { decodeMessage, encodeMessage } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface WebRtcSignal {
  kind: string
  text: string
  mid: string
}

export const WebRtcSignal = (() => {
  const codec: Pick<Codec<WebRtcSignal>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.kind != null && obj.kind !== '')) {
        w.uint32(10)
        w.string(obj.kind)
      }

      if ((obj.text != null && obj.text !== '')) {
        w.uint32(18)
        w.string(obj.text)
      }

      if ((obj.mid != null && obj.mid !== '')) {
        w.uint32(26)
        w.string(obj.mid)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        kind: '',
        text: '',
        mid: ''
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.kind = reader.string()
            break
          }
          case 2: {
            obj.text = reader.string()
            break
          }
          case 3: {
            obj.mid = reader.string()
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
    encode: (obj: Partial<WebRtcSignal>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<WebRtcSignal>): WebRtcSignal => decodeMessage(buf, codec, opts)
  }
})()
