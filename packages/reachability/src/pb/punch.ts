// Generated from punch.proto by `node scripts/protobuf.mjs packages/reachability/src/pb/punch.proto`. Do not edit.
import { decodeMessage, encodeMessage, MaxLengthError } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface PunchNat {
  mapping: string
  filtering: string
}

export const PunchNat = (() => {
  const codec: Pick<Codec<PunchNat>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.mapping != null && obj.mapping !== '')) {
        w.uint32(10)
        w.string(obj.mapping)
      }

      if ((obj.filtering != null && obj.filtering !== '')) {
        w.uint32(18)
        w.string(obj.filtering)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        mapping: '',
        filtering: ''
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.mapping = reader.string()
            break
          }
          case 2: {
            obj.filtering = reader.string()
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
    encode: (obj: Partial<PunchNat>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PunchNat>): PunchNat => decodeMessage(buf, codec, opts)
  }
})()

export interface PunchReach {
  dialable: boolean
  tcp: boolean
  webrtc: boolean
  nat?: PunchNat
  turn: boolean
}

export const PunchReach = (() => {
  const codec: Pick<Codec<PunchReach>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.dialable != null && obj.dialable !== false)) {
        w.uint32(8)
        w.bool(obj.dialable)
      }

      if ((obj.tcp != null && obj.tcp !== false)) {
        w.uint32(16)
        w.bool(obj.tcp)
      }

      if ((obj.webrtc != null && obj.webrtc !== false)) {
        w.uint32(24)
        w.bool(obj.webrtc)
      }

      if (obj.nat != null) {
        w.uint32(34)
        PunchNat.codec().encode(obj.nat, w)
      }

      if ((obj.turn != null && obj.turn !== false)) {
        w.uint32(40)
        w.bool(obj.turn)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        dialable: false,
        tcp: false,
        webrtc: false,
        turn: false
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.dialable = reader.bool()
            break
          }
          case 2: {
            obj.tcp = reader.bool()
            break
          }
          case 3: {
            obj.webrtc = reader.bool()
            break
          }
          case 4: {
            obj.nat = PunchNat.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.nat
            })
            break
          }
          case 5: {
            obj.turn = reader.bool()
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
    encode: (obj: Partial<PunchReach>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PunchReach>): PunchReach => decodeMessage(buf, codec, opts)
  }
})()

export interface PunchMessage {
  kind: string
  reach?: PunchReach
  addresses: Uint8Array<ArrayBuffer>[]
  reason: string
  listens: boolean
}

export const PunchMessage = (() => {
  const codec: Pick<Codec<PunchMessage>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.kind != null && obj.kind !== '')) {
        w.uint32(10)
        w.string(obj.kind)
      }

      if (obj.reach != null) {
        w.uint32(18)
        PunchReach.codec().encode(obj.reach, w)
      }

      if (obj.addresses != null && obj.addresses.length > 0) {
        for (const value of obj.addresses) {
          w.uint32(26)
          w.bytes(value)
        }
      }

      if ((obj.reason != null && obj.reason !== '')) {
        w.uint32(34)
        w.string(obj.reason)
      }

      if ((obj.listens != null && obj.listens !== false)) {
        w.uint32(40)
        w.bool(obj.listens)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        kind: '',
        addresses: [],
        reason: '',
        listens: false
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
            obj.reach = PunchReach.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.reach
            })
            break
          }
          case 3: {
            if (opts.limits?.addresses != null && obj.addresses.length === opts.limits.addresses) {
              throw new MaxLengthError('Decode error - repeated field "addresses" had too many elements')
            }

            obj.addresses.push(reader.bytes())
            break
          }
          case 4: {
            obj.reason = reader.string()
            break
          }
          case 5: {
            obj.listens = reader.bool()
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
    encode: (obj: Partial<PunchMessage>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PunchMessage>): PunchMessage => decodeMessage(buf, codec, opts)
  }
})()
