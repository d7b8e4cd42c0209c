import { expect } from 'chai'
import { gatewayOfProcRoutes, gatewayOfRouteGet, gatewayOfRoutePrint } from '../../src/port-mapping/route-table.ts'

describe('the router of this device', () => {
  it('on Linux is that of the default route with the lowest metric', () => {
    expect(gatewayOfProcRoutes([
      'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
      'wlan0\t00000000\tFE01A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0',
      'eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0',
      'eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0',
      ''
    ].join('\n'))).to.equal('192.168.1.1')
  })

  it('on Linux is not there without a default route, or with one that leads to an interface', () => {
    expect(gatewayOfProcRoutes('Iface\tDestination\tGateway\neth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n')).to.equal(undefined)
    expect(gatewayOfProcRoutes('Iface\ntun0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n')).to.equal(undefined)
    expect(gatewayOfProcRoutes('')).to.equal(undefined)
  })

  it('on macOS is what route tells', () => {
    const text = '   route to: default\ndestination: default\n       mask: default\n    gateway: 10.0.1.1\n  interface: en0\n      flags: <UP,GATEWAY>\n'
    expect(gatewayOfRouteGet(text)).to.equal('10.0.1.1')
    expect(gatewayOfRouteGet('    gateway: fe80::1%en0\n')).to.equal(undefined)
    expect(gatewayOfRouteGet('route: writing to routing socket: not in table\n')).to.equal(undefined)
  })

  it('on Windows is in the row of all destinations, in any language', () => {
    expect(gatewayOfRoutePrint([
      'Aktive Routen:', '     Netzwerkziel    Netzwerkmaske          Gateway    Schnittstelle Metrik',
      '          0.0.0.0          0.0.0.0      192.168.0.9     192.168.0.77     55\r',
      '          0.0.0.0          0.0.0.0      192.168.0.1     192.168.0.23     25\r',
      '        127.0.0.0        255.0.0.0   Auf Verbindung         127.0.0.1    331\r'
    ].join('\n'))).to.equal('192.168.0.1')
    expect(gatewayOfRoutePrint('')).to.equal(undefined)
  })
})
