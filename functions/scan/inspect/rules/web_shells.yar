// Pages that give whoever calls them a command line on a web server.

rule php_web_shell
{
    meta:
        severity = "critical"
        description = "PHP that runs what a request sends it"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
    strings:
        $open = /<\?(php|=)?[\s@(]/ nocase
        // A call, a file that is included, an entry of an array that is called, and what a request sent, or
        // that behind an opening backtick: one string, as all end alike. Names are without their last letter, so that blanks behind them are tried
        // against one letter, not against all names.
        $direct = /((\b(eva|asser|syste|exe|shell_exe|passthr|pope|proc_ope|pcntl_exe|create_functio)[lctmnu]([\s@(]+(stripslashe|base64_decod|tri|urldecod)[sem])?|\b(includ|requir|include_onc|require_onc)e|\]\s*\()[\s@(]*|[^\w`)\]]`[^`\r\n_]*)(\$_GET|\$_POST|\$_REQUEST|\$_COOKIE|\$_SERVER)/ nocase
        // Optional letters, as no engine should look for these words.
        $packed = /\b(ev?al|as?sert)\s*\(\s*@?(gzinflate|gzuncompress|base64_decode|str_rot13|gzdecode)\s*\(/ nocase
        $turned = /\b(ev?al|as?sert)\s*\(\s*@?\w\wrrev\s*\(/ nocase // strrev
        // What strrev turns round.
        $reversed_1 = /\(\s*edoced_46esab/ nocase
        $reversed_2 = /(TEG_\$|TSOP_\$|TSEUQER_\$|EIKOOC_\$)/
    condition:
        $open and any of ($direct, $packed, $turned, $reversed_*)
}

rule jsp_web_shell
{
    meta:
        severity = "critical"
        description = "JSP that runs what a request sends it"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
    strings:
        $page_1 = /<%[\t-\r -~]/
        $page_2 = /<jsp:(scriptlet|root|declaration)/ nocase
        $request = /request\s*\.\s*get(Parameter|Header|InputStream|Reader)/
        $run_1 = /Runtime\s*\.\s*getRuntime\s*\(\s*\)\s*\.\s*exec\s*\(/
        $run_2 = /new\s+(java\.lang\.)?ProcessBuilder\s*\(/
        $run_3 = /\.\s*def\w\weClass\s*\(/
        $run_4 = /EngineByName\s*\([^()]*\)\s*\.\s*eval\s*\(/
    condition:
        any of ($page_*) and $request and any of ($run_*)
}

rule asp_web_shell
{
    meta:
        severity = "critical"
        description = "ASP or ASP.NET page that runs what a request sends it"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
    strings:
        $page_1 = /<%[\t-\r -~]/
        $page_2 = /<script\s[^<>]*runat\s*=/ nocase
        $direct = /\b(eval|execute(global)?)[\s(]+(Convert\.FromBase64String[\s(]+)?req.est\s*[.(\[]/ nocase
        $request = /\bRequest\s*(\.\s*(Form|QueryString|Item|Params|Headers|Cookies)|[\[(])/ nocase
        $run_1 = /Process\s*\.\s*Start\s*\(/
        $run_2 = "ProcessStartInfo"
        $run_3 = /CreateObject\s*\(\s*["']WScript.Shell/ nocase
        $run_4 = /Assembly\s*\.\s*Load\s*\(/
    condition:
        any of ($page_*) and ($direct or ($request and any of ($run_*)))
}
