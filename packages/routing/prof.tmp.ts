import { createRoutingNode, stopAll } from './test/libp2p-network.ts'
import { Session } from 'node:inspector/promises'
import { writeFileSync } from 'node:fs'
const nodes = []
for (let i=0;i<50;i++){ const n = await createRoutingNode({cache:false, requestsPerSecond:1e6, requestBurst:1e6}); if(nodes[0]) await n.dial(nodes[0].getMultiaddrs()); nodes.push(n) }
await new Promise(r=>setTimeout(r,12000))
const S = new Session(); S.connect(); await S.post('Profiler.enable'); await S.post('Profiler.start')
{const c=process.cpuUsage(), t=performance.now()
for (let m=0;m<20;m++) for (let p=0;p<3;p++) await nodes[(m*7+p*11)%50]!.services.routing.announce({model:'m'+m})
const u=process.cpuUsage(c); console.log('announce cpu-ms',((u.user+u.system)/1000/60).toFixed(2),'ms',((performance.now()-t)/60).toFixed(2), nodes.map(n=>n.services.routing.counters.streams_opened_total).reduce((a,b)=>a+b)/60, nodes.map(n=>n.services.routing.counters.dials_total).reduce((a,b)=>a+b)/60, nodes.map(n=>n.services.routing.counters.requests_total).reduce((a,b)=>a+b)/60)}
{const { profile } = await S.post('Profiler.stop'); writeFileSync('/tmp/rt/announce.cpuprofile', JSON.stringify(profile))}
const sum = () => nodes.reduce((a,n)=>{const c=n.services.routing.counters; a.req+=c.requests_total;a.str+=c.streams_opened_total;a.dial+=c.dials_total;a.fail+=c.request_failures_total;return a},{req:0,str:0,dial:0,fail:0})
const batch = async (label:string, N:number) => {
  const s0=sum(); const c=process.cpuUsage(); const t=performance.now(); let first=0, q=0
  for (let i=0;i<N;i++){ const n=nodes[(i*13+5)%50]!; const t1=performance.now(); let f=0; for await (const o of n.services.routing.findModel('m'+(i%20),{cache:false})) { if(!f) {f=performance.now()-t1} } first+=f }
  const u=process.cpuUsage(c); const s1=sum()
  console.log(label,'cpu-ms/lookup',((u.user+u.system)/1000/N).toFixed(2),'ms',((performance.now()-t)/N).toFixed(2),'first',(first/N).toFixed(2),'req',(s1.req-s0.req)/N,'streams',(s1.str-s0.str)/N,'dials',(s1.dial-s0.dial)/N,'fail',s1.fail-s0.fail)
}
await batch('a',100); await batch('b',100); await batch('c',200)
const s = new Session(); s.connect(); await s.post('Profiler.enable'); await s.post('Profiler.start')
await batch('prof',400)
const { profile } = await s.post('Profiler.stop'); writeFileSync('/tmp/rt/lookup.cpuprofile', JSON.stringify(profile))
await stopAll(nodes); process.exit(0)
