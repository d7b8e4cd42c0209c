// Generated from circuit.proto by `node scripts/protobuf.mjs packages/seed/src/relay/pb/circuit.proto`. Do not edit.
import { decodeMessage, encodeMessage, MaxLengthError } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface HopMessage {
  type?: number
  peer?: CircuitPeer
  reservation?: CircuitReservation
  limit?: CircuitLimit
  status?: number
}

export const HopMessage = (() => {
  const codec: Pick<Codec<HopMessage>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if (obj.type != null) {
        w.uint32(8)
        w.uint32(obj.type)
      }

      if (obj.peer != null) {
        w.uint32(18)
        CircuitPeer.codec().encode(obj.peer, w)
      }

      if (obj.reservation != null) {
        w.uint32(26)
        CircuitReservation.codec().encode(obj.reservation, w)
      }

      if (obj.limit != null) {
        w.uint32(34)
        CircuitLimit.codec().encode(obj.limit, w)
      }

      if (obj.status != null) {
        w.uint32(40)
        w.uint32(obj.status)
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
            obj.type = reader.uint32()
            break
          }
          case 2: {
            obj.peer = CircuitPeer.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.peer
            })
            break
          }
          case 3: {
            obj.reservation = CircuitReservation.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.reservation
            })
            break
          }
          case 4: {
            obj.limit = CircuitLimit.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.limit
            })
            break
          }
          case 5: {
            obj.status = reader.uint32()
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
    encode: (obj: Partial<HopMessage>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<HopMessage>): HopMessage => decodeMessage(buf, codec, opts)
  }
})()

export interface StopMessage {
  type?: number
  peer?: CircuitPeer
  limit?: CircuitLimit
  status?: number
}

export const StopMessage = (() => {
  const codec: Pick<Codec<StopMessage>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if (obj.type != null) {
        w.uint32(8)
        w.uint32(obj.type)
      }

      if (obj.peer != null) {
        w.uint32(18)
        CircuitPeer.codec().encode(obj.peer, w)
      }

      if (obj.limit != null) {
        w.uint32(26)
        CircuitLimit.codec().encode(obj.limit, w)
      }

      if (obj.status != null) {
        w.uint32(32)
        w.uint32(obj.status)
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
            obj.type = reader.uint32()
            break
          }
          case 2: {
            obj.peer = CircuitPeer.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.peer
            })
            break
          }
          case 3: {
            obj.limit = CircuitLimit.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.limit
            })
            break
          }
          case 4: {
            obj.status = reader.uint32()
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
    encode: (obj: Partial<StopMessage>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<StopMessage>): StopMessage => decodeMessage(buf, codec, opts)
  }
})()

export interface CircuitPeer {
  id: Uint8Array<ArrayBuffer>
  addrs: Uint8Array<ArrayBuffer>[]
}

export const CircuitPeer = (() => {
  const codec: Pick<Codec<CircuitPeer>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.id != null && obj.id.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.id)
      }

      if (obj.addrs != null && obj.addrs.length > 0) {
        for (const value of obj.addrs) {
          w.uint32(18)
          w.bytes(value)
        }
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        id: new Uint8Array(0),
        addrs: []
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.id = reader.bytes()
            break
          }
          case 2: {
            if (opts.limits?.addrs != null && obj.addrs.length === opts.limits.addrs) {
              throw new MaxLengthError('Decode error - repeated field "addrs" had too many elements')
            }

            obj.addrs.push(reader.bytes())
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
    encode: (obj: Partial<CircuitPeer>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CircuitPeer>): CircuitPeer => decodeMessage(buf, codec, opts)
  }
})()

export interface CircuitReservation {
  expire: number
  addrs: Uint8Array<ArrayBuffer>[]
}

export const CircuitReservation = (() => {
  const codec: Pick<Codec<CircuitReservation>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.expire != null && obj.expire !== 0)) {
        w.uint32(8)
        w.uint64Number(obj.expire)
      }

      if (obj.addrs != null && obj.addrs.length > 0) {
        for (const value of obj.addrs) {
          w.uint32(18)
          w.bytes(value)
        }
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        expire: 0,
        addrs: []
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.expire = reader.uint64Number()
            break
          }
          case 2: {
            if (opts.limits?.addrs != null && obj.addrs.length === opts.limits.addrs) {
              throw new MaxLengthError('Decode error - repeated field "addrs" had too many elements')
            }

            obj.addrs.push(reader.bytes())
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
    encode: (obj: Partial<CircuitReservation>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CircuitReservation>): CircuitReservation => decodeMessage(buf, codec, opts)
  }
})()

export interface CircuitLimit {
  duration?: number
  data?: number
}

export const CircuitLimit = (() => {
  const codec: Pick<Codec<CircuitLimit>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if (obj.duration != null) {
        w.uint32(8)
        w.uint32(obj.duration)
      }

      if (obj.data != null) {
        w.uint32(16)
        w.uint64Number(obj.data)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {}

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.duration = reader.uint32()
            break
          }
          case 2: {
            obj.data = reader.uint64Number()
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
    encode: (obj: Partial<CircuitLimit>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CircuitLimit>): CircuitLimit => decodeMessage(buf, codec, opts)
  }
})()
