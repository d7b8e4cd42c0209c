/** SRTLA on UDP under Node: receiver and sender, statistics over HTTP, lists of links. */
export { interfaceAddresses, LinkListError, parseLinkList, readLinkFile } from './link-list.ts'
export { ReceiverService } from './receiver-service.ts'
export type { ReceiverServiceInit } from './receiver-service.ts'
export { ReceiverAddressError, SenderService } from './sender-service.ts'
export type { SenderServiceInit } from './sender-service.ts'
export { SrtlaListenError } from './udp-socket.ts'
