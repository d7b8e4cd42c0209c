// Generated from dial-back.proto by `node scripts/protobuf.mjs packages/supernode/src/pb/dial-back.proto`. Do not edit.
import { decodeMessage, encodeMessage, MaxLengthError } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface DialBackRequest {
  ask?: DialBackAsk
  hello?: DialBackHello
  round?: BandwidthRound
}

export const DialBackRequest = (() => {
  const codec: Pick<Codec<DialBackRequest>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if (obj.ask != null) {
        w.uint32(10)
        DialBackAsk.codec().encode(obj.ask, w)
      }

      if (obj.hello != null) {
        w.uint32(18)
        DialBackHello.codec().encode(obj.hello, w)
      }

      if (obj.round != null) {
        w.uint32(26)
        BandwidthRound.codec().encode(obj.round, w)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {}

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.ask = DialBackAsk.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.ask
            })
            break
          }
          case 2: {
            obj.hello = DialBackHello.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.hello
            })
            break
          }
          case 3: {
            obj.round = BandwidthRound.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.round
            })
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
    encode: (obj: Partial<DialBackRequest>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<DialBackRequest>): DialBackRequest => decodeMessage(buf, codec, opts)
  }
})()

export interface DialBackAsk {
  nonce: Uint8Array<ArrayBuffer>
  addresses: string[]
  measure: boolean
}

export const DialBackAsk = (() => {
  const codec: Pick<Codec<DialBackAsk>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.nonce != null && obj.nonce.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.nonce)
      }

      if (obj.addresses != null && obj.addresses.length > 0) {
        for (const value of obj.addresses) {
          w.uint32(18)
          w.string(value)
        }
      }

      if ((obj.measure != null && obj.measure !== false)) {
        w.uint32(24)
        w.bool(obj.measure)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        nonce: new Uint8Array(0),
        addresses: [],
        measure: false
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.nonce = reader.bytes()
            break
          }
          case 2: {
            if (opts.limits?.addresses != null && obj.addresses.length === opts.limits.addresses) {
              throw new MaxLengthError('Decode error - repeated field "addresses" had too many elements')
            }

            obj.addresses.push(reader.string())
            break
          }
          case 3: {
            obj.measure = reader.bool()
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
    encode: (obj: Partial<DialBackAsk>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<DialBackAsk>): DialBackAsk => decodeMessage(buf, codec, opts)
  }
})()

export interface DialBackHello {
  nonce: Uint8Array<ArrayBuffer>
  address: number
}

export const DialBackHello = (() => {
  const codec: Pick<Codec<DialBackHello>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.nonce != null && obj.nonce.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.nonce)
      }

      if ((obj.address != null && obj.address !== 0)) {
        w.uint32(16)
        w.uint32(obj.address)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        nonce: new Uint8Array(0),
        address: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.nonce = reader.bytes()
            break
          }
          case 2: {
            obj.address = reader.uint32()
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
    encode: (obj: Partial<DialBackHello>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<DialBackHello>): DialBackHello => decodeMessage(buf, codec, opts)
  }
})()

export interface BandwidthRound {
  nonce: Uint8Array<ArrayBuffer>
  give: number
  take: number
}

export const BandwidthRound = (() => {
  const codec: Pick<Codec<BandwidthRound>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.nonce != null && obj.nonce.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.nonce)
      }

      if ((obj.give != null && obj.give !== 0)) {
        w.uint32(16)
        w.uint32(obj.give)
      }

      if ((obj.take != null && obj.take !== 0)) {
        w.uint32(24)
        w.uint32(obj.take)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        nonce: new Uint8Array(0),
        give: 0,
        take: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.nonce = reader.bytes()
            break
          }
          case 2: {
            obj.give = reader.uint32()
            break
          }
          case 3: {
            obj.take = reader.uint32()
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
    encode: (obj: Partial<BandwidthRound>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<BandwidthRound>): BandwidthRound => decodeMessage(buf, codec, opts)
  }
})()

export interface DialBackAnswer {
  refusal: string
  retryAfterMs: number
  payBytes: number
  outcomes: DialBackOutcome[]
}

export const DialBackAnswer = (() => {
  const codec: Pick<Codec<DialBackAnswer>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.refusal != null && obj.refusal !== '')) {
        w.uint32(10)
        w.string(obj.refusal)
      }

      if ((obj.retryAfterMs != null && obj.retryAfterMs !== 0)) {
        w.uint32(16)
        w.uint32(obj.retryAfterMs)
      }

      if ((obj.payBytes != null && obj.payBytes !== 0)) {
        w.uint32(24)
        w.uint32(obj.payBytes)
      }

      if (obj.outcomes != null && obj.outcomes.length > 0) {
        for (const value of obj.outcomes) {
          w.uint32(34)
          DialBackOutcome.codec().encode(value, w)
        }
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        refusal: '',
        retryAfterMs: 0,
        payBytes: 0,
        outcomes: []
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.refusal = reader.string()
            break
          }
          case 2: {
            obj.retryAfterMs = reader.uint32()
            break
          }
          case 3: {
            obj.payBytes = reader.uint32()
            break
          }
          case 4: {
            if (opts.limits?.outcomes != null && obj.outcomes.length === opts.limits.outcomes) {
              throw new MaxLengthError('Decode error - repeated field "outcomes" had too many elements')
            }

            obj.outcomes.push(DialBackOutcome.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.outcomes$
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
    encode: (obj: Partial<DialBackAnswer>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<DialBackAnswer>): DialBackAnswer => decodeMessage(buf, codec, opts)
  }
})()

export interface DialBackOutcome {
  status: string
  bytesPerSecond: bigint
}

export const DialBackOutcome = (() => {
  const codec: Pick<Codec<DialBackOutcome>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.status != null && obj.status !== '')) {
        w.uint32(10)
        w.string(obj.status)
      }

      if ((obj.bytesPerSecond != null && obj.bytesPerSecond !== 0n)) {
        w.uint32(16)
        w.uint64(obj.bytesPerSecond)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        status: '',
        bytesPerSecond: 0n
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.status = reader.string()
            break
          }
          case 2: {
            obj.bytesPerSecond = reader.uint64()
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
    encode: (obj: Partial<DialBackOutcome>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<DialBackOutcome>): DialBackOutcome => decodeMessage(buf, codec, opts)
  }
})()
