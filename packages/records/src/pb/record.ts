// Generated from record.proto by `node scripts/protobuf.mjs packages/records/src/pb/record.proto`. Do not edit.
import { decodeMessage, encodeMessage, MaxLengthError } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface OfferRecord {
  peerId: Uint8Array<ArrayBuffer>
  seq: number
  issuedAtMs: number
  expiresAtMs: number
  model: string
  tasks: string[]
  effectiveContext: number
  tokensPerSecond: number
  queueDepth: number
  maxConcurrent: number
  priceMicros: number
  region: string
  tier: number
  deterministic: boolean
  addresses: Uint8Array<ArrayBuffer>[]
  withdrawn: boolean
}

export const OfferRecord = (() => {
  const codec: Pick<Codec<OfferRecord>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.peerId != null && obj.peerId.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.peerId)
      }

      if ((obj.seq != null && obj.seq !== 0)) {
        w.uint32(16)
        w.uint64Number(obj.seq)
      }

      if ((obj.issuedAtMs != null && obj.issuedAtMs !== 0)) {
        w.uint32(24)
        w.uint64Number(obj.issuedAtMs)
      }

      if ((obj.expiresAtMs != null && obj.expiresAtMs !== 0)) {
        w.uint32(32)
        w.uint64Number(obj.expiresAtMs)
      }

      if ((obj.model != null && obj.model !== '')) {
        w.uint32(42)
        w.string(obj.model)
      }

      if (obj.tasks != null && obj.tasks.length > 0) {
        for (const value of obj.tasks) {
          w.uint32(50)
          w.string(value)
        }
      }

      if ((obj.effectiveContext != null && obj.effectiveContext !== 0)) {
        w.uint32(56)
        w.uint32(obj.effectiveContext)
      }

      if ((obj.tokensPerSecond != null && obj.tokensPerSecond !== 0)) {
        w.uint32(65)
        w.double(obj.tokensPerSecond)
      }

      if ((obj.queueDepth != null && obj.queueDepth !== 0)) {
        w.uint32(72)
        w.uint32(obj.queueDepth)
      }

      if ((obj.maxConcurrent != null && obj.maxConcurrent !== 0)) {
        w.uint32(80)
        w.uint32(obj.maxConcurrent)
      }

      if ((obj.priceMicros != null && obj.priceMicros !== 0)) {
        w.uint32(88)
        w.uint64Number(obj.priceMicros)
      }

      if ((obj.region != null && obj.region !== '')) {
        w.uint32(98)
        w.string(obj.region)
      }

      if ((obj.tier != null && obj.tier !== 0)) {
        w.uint32(104)
        w.uint32(obj.tier)
      }

      if ((obj.deterministic != null && obj.deterministic !== false)) {
        w.uint32(112)
        w.bool(obj.deterministic)
      }

      if (obj.addresses != null && obj.addresses.length > 0) {
        for (const value of obj.addresses) {
          w.uint32(122)
          w.bytes(value)
        }
      }

      if ((obj.withdrawn != null && obj.withdrawn !== false)) {
        w.uint32(128)
        w.bool(obj.withdrawn)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        peerId: new Uint8Array(0),
        seq: 0,
        issuedAtMs: 0,
        expiresAtMs: 0,
        model: '',
        tasks: [],
        effectiveContext: 0,
        tokensPerSecond: 0,
        queueDepth: 0,
        maxConcurrent: 0,
        priceMicros: 0,
        region: '',
        tier: 0,
        deterministic: false,
        addresses: [],
        withdrawn: false
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.peerId = reader.bytes()
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
            obj.expiresAtMs = reader.uint64Number()
            break
          }
          case 5: {
            obj.model = reader.string()
            break
          }
          case 6: {
            if (opts.limits?.tasks != null && obj.tasks.length === opts.limits.tasks) {
              throw new MaxLengthError('Decode error - repeated field "tasks" had too many elements')
            }

            obj.tasks.push(reader.string())
            break
          }
          case 7: {
            obj.effectiveContext = reader.uint32()
            break
          }
          case 8: {
            obj.tokensPerSecond = reader.double()
            break
          }
          case 9: {
            obj.queueDepth = reader.uint32()
            break
          }
          case 10: {
            obj.maxConcurrent = reader.uint32()
            break
          }
          case 11: {
            obj.priceMicros = reader.uint64Number()
            break
          }
          case 12: {
            obj.region = reader.string()
            break
          }
          case 13: {
            obj.tier = reader.uint32()
            break
          }
          case 14: {
            obj.deterministic = reader.bool()
            break
          }
          case 15: {
            if (opts.limits?.addresses != null && obj.addresses.length === opts.limits.addresses) {
              throw new MaxLengthError('Decode error - repeated field "addresses" had too many elements')
            }

            obj.addresses.push(reader.bytes())
            break
          }
          case 16: {
            obj.withdrawn = reader.bool()
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
    encode: (obj: Partial<OfferRecord>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<OfferRecord>): OfferRecord => decodeMessage(buf, codec, opts)
  }
})()

export interface CapabilitiesRecord {
  seq: number
  issuedAtMs: number
  lifeMs: number
  chipFamily: string
  chipName: string
  ramBytes: number
  vramBytes: number
  memoryBandwidthGbPerSecond: number
  tier: number
  gpuBackend: string
  platform: string
  region: string
  onMainsPower: boolean
  loadedModels: string[]
  swappableModels: string[]
  maxConcurrent: number
  addresses: Uint8Array<ArrayBuffer>[]
  queueDepth: number
  effectiveContext: number
  priceMicros: number
  tasks: string[]
  relay?: RelayLoadRecord
}

export const CapabilitiesRecord = (() => {
  const codec: Pick<Codec<CapabilitiesRecord>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.seq != null && obj.seq !== 0)) {
        w.uint32(8)
        w.uint64Number(obj.seq)
      }

      if ((obj.issuedAtMs != null && obj.issuedAtMs !== 0)) {
        w.uint32(16)
        w.uint64Number(obj.issuedAtMs)
      }

      if ((obj.lifeMs != null && obj.lifeMs !== 0)) {
        w.uint32(24)
        w.uint32(obj.lifeMs)
      }

      if ((obj.chipFamily != null && obj.chipFamily !== '')) {
        w.uint32(34)
        w.string(obj.chipFamily)
      }

      if ((obj.chipName != null && obj.chipName !== '')) {
        w.uint32(42)
        w.string(obj.chipName)
      }

      if ((obj.ramBytes != null && obj.ramBytes !== 0)) {
        w.uint32(48)
        w.uint64Number(obj.ramBytes)
      }

      if ((obj.vramBytes != null && obj.vramBytes !== 0)) {
        w.uint32(56)
        w.uint64Number(obj.vramBytes)
      }

      if ((obj.memoryBandwidthGbPerSecond != null && obj.memoryBandwidthGbPerSecond !== 0)) {
        w.uint32(69)
        w.float(obj.memoryBandwidthGbPerSecond)
      }

      if ((obj.tier != null && obj.tier !== 0)) {
        w.uint32(72)
        w.uint32(obj.tier)
      }

      if ((obj.gpuBackend != null && obj.gpuBackend !== '')) {
        w.uint32(82)
        w.string(obj.gpuBackend)
      }

      if ((obj.platform != null && obj.platform !== '')) {
        w.uint32(90)
        w.string(obj.platform)
      }

      if ((obj.region != null && obj.region !== '')) {
        w.uint32(98)
        w.string(obj.region)
      }

      if ((obj.onMainsPower != null && obj.onMainsPower !== false)) {
        w.uint32(104)
        w.bool(obj.onMainsPower)
      }

      if (obj.loadedModels != null && obj.loadedModels.length > 0) {
        for (const value of obj.loadedModels) {
          w.uint32(114)
          w.string(value)
        }
      }

      if (obj.swappableModels != null && obj.swappableModels.length > 0) {
        for (const value of obj.swappableModels) {
          w.uint32(122)
          w.string(value)
        }
      }

      if ((obj.maxConcurrent != null && obj.maxConcurrent !== 0)) {
        w.uint32(128)
        w.uint32(obj.maxConcurrent)
      }

      if (obj.addresses != null && obj.addresses.length > 0) {
        for (const value of obj.addresses) {
          w.uint32(138)
          w.bytes(value)
        }
      }

      if ((obj.queueDepth != null && obj.queueDepth !== 0)) {
        w.uint32(144)
        w.uint32(obj.queueDepth)
      }

      if ((obj.effectiveContext != null && obj.effectiveContext !== 0)) {
        w.uint32(152)
        w.uint32(obj.effectiveContext)
      }

      if ((obj.priceMicros != null && obj.priceMicros !== 0)) {
        w.uint32(160)
        w.uint64Number(obj.priceMicros)
      }

      if (obj.tasks != null && obj.tasks.length > 0) {
        for (const value of obj.tasks) {
          w.uint32(170)
          w.string(value)
        }
      }

      if (obj.relay != null) {
        w.uint32(178)
        RelayLoadRecord.codec().encode(obj.relay, w)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        seq: 0,
        issuedAtMs: 0,
        lifeMs: 0,
        chipFamily: '',
        chipName: '',
        ramBytes: 0,
        vramBytes: 0,
        memoryBandwidthGbPerSecond: 0,
        tier: 0,
        gpuBackend: '',
        platform: '',
        region: '',
        onMainsPower: false,
        loadedModels: [],
        swappableModels: [],
        maxConcurrent: 0,
        addresses: [],
        queueDepth: 0,
        effectiveContext: 0,
        priceMicros: 0,
        tasks: []
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.seq = reader.uint64Number()
            break
          }
          case 2: {
            obj.issuedAtMs = reader.uint64Number()
            break
          }
          case 3: {
            obj.lifeMs = reader.uint32()
            break
          }
          case 4: {
            obj.chipFamily = reader.string()
            break
          }
          case 5: {
            obj.chipName = reader.string()
            break
          }
          case 6: {
            obj.ramBytes = reader.uint64Number()
            break
          }
          case 7: {
            obj.vramBytes = reader.uint64Number()
            break
          }
          case 8: {
            obj.memoryBandwidthGbPerSecond = reader.float()
            break
          }
          case 9: {
            obj.tier = reader.uint32()
            break
          }
          case 10: {
            obj.gpuBackend = reader.string()
            break
          }
          case 11: {
            obj.platform = reader.string()
            break
          }
          case 12: {
            obj.region = reader.string()
            break
          }
          case 13: {
            obj.onMainsPower = reader.bool()
            break
          }
          case 14: {
            if (opts.limits?.loadedModels != null && obj.loadedModels.length === opts.limits.loadedModels) {
              throw new MaxLengthError('Decode error - repeated field "loadedModels" had too many elements')
            }

            obj.loadedModels.push(reader.string())
            break
          }
          case 15: {
            if (opts.limits?.swappableModels != null && obj.swappableModels.length === opts.limits.swappableModels) {
              throw new MaxLengthError('Decode error - repeated field "swappableModels" had too many elements')
            }

            obj.swappableModels.push(reader.string())
            break
          }
          case 16: {
            obj.maxConcurrent = reader.uint32()
            break
          }
          case 17: {
            if (opts.limits?.addresses != null && obj.addresses.length === opts.limits.addresses) {
              throw new MaxLengthError('Decode error - repeated field "addresses" had too many elements')
            }

            obj.addresses.push(reader.bytes())
            break
          }
          case 18: {
            obj.queueDepth = reader.uint32()
            break
          }
          case 19: {
            obj.effectiveContext = reader.uint32()
            break
          }
          case 20: {
            obj.priceMicros = reader.uint64Number()
            break
          }
          case 21: {
            if (opts.limits?.tasks != null && obj.tasks.length === opts.limits.tasks) {
              throw new MaxLengthError('Decode error - repeated field "tasks" had too many elements')
            }

            obj.tasks.push(reader.string())
            break
          }
          case 22: {
            obj.relay = RelayLoadRecord.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.relay
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
    encode: (obj: Partial<CapabilitiesRecord>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CapabilitiesRecord>): CapabilitiesRecord => decodeMessage(buf, codec, opts)
  }
})()

export interface RelayLoadRecord {
  reservations: number
  maxReservations: number
  circuits: number
  maxCircuits: number
}

export const RelayLoadRecord = (() => {
  const codec: Pick<Codec<RelayLoadRecord>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.reservations != null && obj.reservations !== 0)) {
        w.uint32(8)
        w.uint32(obj.reservations)
      }

      if ((obj.maxReservations != null && obj.maxReservations !== 0)) {
        w.uint32(16)
        w.uint32(obj.maxReservations)
      }

      if ((obj.circuits != null && obj.circuits !== 0)) {
        w.uint32(24)
        w.uint32(obj.circuits)
      }

      if ((obj.maxCircuits != null && obj.maxCircuits !== 0)) {
        w.uint32(32)
        w.uint32(obj.maxCircuits)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        reservations: 0,
        maxReservations: 0,
        circuits: 0,
        maxCircuits: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.reservations = reader.uint32()
            break
          }
          case 2: {
            obj.maxReservations = reader.uint32()
            break
          }
          case 3: {
            obj.circuits = reader.uint32()
            break
          }
          case 4: {
            obj.maxCircuits = reader.uint32()
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
    encode: (obj: Partial<RelayLoadRecord>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RelayLoadRecord>): RelayLoadRecord => decodeMessage(buf, codec, opts)
  }
})()
