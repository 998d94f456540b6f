-- The one person that tests/bench/run.rs signed up.
wrk.method = "POST"
wrk.body = "email=bench%40example.test&password=a+few+unrelated+words&next="
wrk.headers["content-type"] = "application/x-www-form-urlencoded"
wrk.headers["sec-fetch-site"] = "same-origin"
