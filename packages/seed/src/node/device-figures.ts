/** What existing devices on `/ws` do, in figures for Prometheus. */
import { collectedCounter, collectedGauge } from './collected-metric.ts'
import type { DeviceStats } from './device-endpoint.ts'
import type { Registry } from 'prom-client'

export interface DeviceFigures extends Pick<DeviceStats, 'sockets' | 'devices' | 'discovered' | 'forwarded' | 'relayedBytes'> {
  /** Between devices and the mesh, both ways */
  bridgeSessions: number
  /** Models of devices on offer in the mesh */
  bridgeModels: number
}

/** @param figures - `undefined` for a seed without `/ws` */
export function measureDevices (registry: Registry, figures: () => DeviceFigures | undefined): void {
  const gauge = (name: string, help: string, value: (figures: DeviceFigures) => number): void => {
    collectedGauge(registry, name, help, [], metric => {
      const now = figures()
      if (now !== undefined) {
        metric.set(value(now))
      }
    })
  }
  gauge('skein_seed_device_sockets', 'Sockets of existing devices open on /ws', ({ sockets }) => sockets)
  gauge('skein_seed_devices', 'Existing devices registered on /ws', ({ devices }) => devices)
  gauge('skein_seed_device_sessions', 'Sessions between existing devices and the mesh, both ways', ({ bridgeSessions }) => bridgeSessions)
  gauge('skein_seed_device_models', 'Models of existing devices that are on offer in the mesh', ({ bridgeModels }) => bridgeModels)
  collectedCounter(registry, 'skein_seed_device_messages_total',
    'Messages passed on between existing devices, or to the mesh, and discovers answered, by kind', ['kind'], metric => {
      const now = figures()
      for (const [kind, count] of Object.entries(now === undefined ? {} : { discover: now.discovered, ...now.forwarded })) {
        metric.inc({ kind }, count)
      }
    })
  collectedCounter(registry, 'skein_seed_device_relayed_bytes_total', 'Bytes of relayData between existing devices, or to the mesh', [], metric => {
    metric.inc(figures()?.relayedBytes ?? 0)
  })
}
