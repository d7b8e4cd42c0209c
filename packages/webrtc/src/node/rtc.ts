/** WebRTC under Node: libdatachannel, whose library is loaded when a connection is made first. */

export async function newPeerConnection (configuration: RTCConfiguration): Promise<globalThis.RTCPeerConnection> {
  const { RTCPeerConnection } = await import('node-datachannel/polyfill')
  // its types differ from the standard's in one event that is not used here
  return new RTCPeerConnection(configuration) as unknown as globalThis.RTCPeerConnection
}
