import { expect } from 'chai'
import fc from 'fast-check'
import { callText, descriptionUrl, errorCodeOf, fieldOf, mappingServices, searchText } from '../../src/port-mapping/upnp-message.ts'

const ROUTER = '192.168.1.1'
const AT = `http://${ROUTER}:5000/rootDesc.xml`
const TYPE = 'urn:schemas-upnp-org:service:WANIPConnection:1'

function found (location: string, type = 'urn:schemas-upnp-org:device:InternetGatewayDevice:1'): string {
  return ['HTTP/1.1 200 OK', 'CACHE-CONTROL: max-age=120', `ST: ${type}`, 'EXT:', `LOCATION: ${location}`, '', ''].join('\r\n')
}

function description (services: Array<[type: string, url: string]>, base = ''): string {
  const list = services.map(([type, url]) =>
    `<service><serviceType>${type}</serviceType><serviceId>x</serviceId><SCPDURL>/s.xml</SCPDURL><controlURL>${url}</controlURL></service>`).join('\n')
  return `<?xml version="1.0"?><root>${base}<device><deviceList><device><serviceList>${list}</serviceList></device></deviceList></device></root>`
}

describe('texts of UPnP', () => {
  it('search for gateways of any version', () => {
    expect(searchText().split('\r\n')).to.include.members(['M-SEARCH * HTTP/1.1', 'MAN: "ssdp:discover"', 'HOST: 239.255.255.250:1900'])
    expect(searchText().endsWith('\r\n\r\n')).to.equal(true)
  })

  it('tell where a gateway is described', () => {
    expect(descriptionUrl(found(AT), ROUTER)).to.equal(AT)
    expect(descriptionUrl(found(AT, 'urn:schemas-upnp-org:device:InternetGatewayDevice:2'), ROUTER)).to.equal(AT)
  })

  const refused: Array<[what: string, answer: string, from: string]> = [
    ['another host than answers', found('http://45.1.7.2/rootDesc.xml'), ROUTER],
    ['a name', found('http://router.example/rootDesc.xml'), ROUTER],
    ['another scheme', found(`file://${ROUTER}/etc/passwd`), ROUTER],
    ['a password', found(`http://a:b@${ROUTER}/x`), ROUTER],
    ['a television', found(AT, 'urn:schemas-upnp-org:device:MediaRenderer:1'), ROUTER],
    ['an error', found(AT).replace('200 OK', '404 Not Found'), ROUTER],
    ['nothing', '', ROUTER]
  ]
  for (const [what, answer, from] of refused) {
    it(`lead nowhere from ${what}`, () => { expect(descriptionUrl(answer, from)).to.equal(undefined) })
  }

  it('tell which services map ports, and where they are called', () => {
    const services: Array<[string, string]> = [
      ['urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1', '/ctl/CmnIfCfg'], [TYPE, '/ctl/IPConn'],
      ['urn:schemas-upnp-org:service:WANPPPConnection:1', 'ctl/PPP'], ['urn:schemas-upnp-org:service:WANIPConnection:2', 'http://45.1.7.2/ctl']
    ]
    expect(mappingServices(description(services), AT)).to.deep.equal([
      { type: TYPE, controlUrl: `http://${ROUTER}:5000/ctl/IPConn` },
      { type: 'urn:schemas-upnp-org:service:WANPPPConnection:1', controlUrl: `http://${ROUTER}:5000/ctl/PPP` }
    ])
    expect(mappingServices(description([[TYPE, '/c']], `<URLBase>http://${ROUTER}:49000/</URLBase>`), AT)).to.deep.equal([
      { type: TYPE, controlUrl: `http://${ROUTER}:49000/c` }
    ])
    expect(mappingServices('<root/>', AT)).to.deep.equal([])
  })

  it('call a service, with nothing in its fields that could be taken for an element', () => {
    const text = callText({ type: TYPE, controlUrl: AT }, 'AddPortMapping', [['NewExternalPort', 7311], ['NewPortMappingDescription', '<a>&']])
    expect(text).to.include(`<u:AddPortMapping xmlns:u="${TYPE}"><NewExternalPort>7311</NewExternalPort>`)
    expect(text).to.include('<NewPortMappingDescription>&lt;a&gt;&amp;</NewPortMappingDescription>')
  })

  it('tell fields and errors of answers', () => {
    const answer = `<s:Envelope><s:Body><u:GetExternalIPAddressResponse xmlns:u="${TYPE}">` +
      '<NewExternalIPAddress>45.1.7.2</NewExternalIPAddress></u:GetExternalIPAddressResponse></s:Body></s:Envelope>'
    expect(fieldOf(answer, 'NewExternalIPAddress')).to.equal('45.1.7.2')
    expect(fieldOf(answer.replace('45.1.7.2', ''), 'NewExternalIPAddress')).to.equal('')
    expect(fieldOf(answer, 'NewInternalClient')).to.equal(undefined)
    expect(errorCodeOf('<detail><UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>718</errorCode></UPnPError></detail>')).to.equal(718)
    expect(errorCodeOf(answer)).to.equal(undefined)
  })

  it('are read in time, whatever they are', () => {
    const piece = fc.constantFrom('<service>', '</service>', '<serviceType>', '<a:', 'controlURL', '>', '</', ' ', 'x', TYPE)
    fc.assert(fc.property(fc.array(piece, { maxLength: 300 }), pieces => {
      const text = pieces.join('')
      expect(mappingServices(text, AT).length).to.be.below(5)
      fieldOf(text, 'controlURL')
      descriptionUrl(text, ROUTER)
    }))
    mappingServices('<service>'.repeat(20_000), AT)
    fieldOf('<x '.repeat(20_000), 'x')
  })
})
