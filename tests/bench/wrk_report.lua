-- What wrk measured, as one line of JSON that loads.py reads. WRK_METHOD names the method.
wrk.method = os.getenv("WRK_METHOD") or "GET"

-- Called once, after the last request: costs the measurement nothing.
function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests":%d,"bytes":%.0f,"seconds":%.6f,"p50_ms":%.3f,"p99_ms":%.3f,' ..
      '"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d}\n',
      summary.requests, summary.bytes, summary.duration / 1e6,
      latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
      errors.status, errors.connect, errors.read, errors.write, errors.timeout))
end
