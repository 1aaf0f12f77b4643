// Pages that give whoever calls them a command line on a web server.

rule php_web_shell
{
    meta:
        severity = "critical"
        description = "PHP that runs what a request sends it"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
    strings:
        $open = /<\?(php|=)?[\s@(]/ nocase
        $direct = /\b(eval|assert|system|exec|shell_exec|passthru|popen|proc_open|pcntl_exec|create_function)\s*\(\s*@?(stripslashes\s*\(|base64_decode\s*\(|trim\s*\(|urldecode\s*\()?\s*@?\$_(GET|POST|REQUEST|COOKIE|SERVER)\b/ nocase
        // Optional letters, as no engine should look for these words.
        $packed = /\b(ev?al|as?sert)\s*\(\s*@?(gzinflate|gzuncompress|base64_decode|str_rot13|gzdecode)\s*\(/ nocase
        $turned = /\b(ev?al|as?sert)\s*\(\s*@?\w\wrrev\s*\(/ nocase // strrev
        // What strrev turns round.
        $reversed_1 = /\(\s*edoced_46esab/ nocase
        $reversed_2 = /(TEG_\$|TSOP_\$|TSEUQER_\$|EIKOOC_\$)/
        $variable = /\$_(GET|POST|REQUEST|COOKIE)\s*\[[^\]]{1,40}\]\s*\(\s*\$_(GET|POST|REQUEST|COOKIE)/ nocase
        $backticks = /`[^`\r\n]{0,40}\$_(GET|POST|REQUEST|COOKIE)\b[^`\r\n]{0,60}`/
        $include = /\b(include|require)(_once)?\s*\(?\s*\$_(GET|POST|REQUEST|COOKIE)\b/ nocase
    condition:
        $open and any of ($direct, $packed, $turned, $reversed_*, $variable, $backticks, $include)
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
        $run_4 = /EngineByName\s*\([^)]{1,30}\)\s*\.\s*eval\s*\(/
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
        $page_2 = /<script\s[^>]{0,60}runat\s*=/ nocase
        $direct = /\b(eval|execute(global)?)[\s(]+(Convert\.FromBase64String[\s(]+)?req.est\s*[.(\[]/ nocase
        $request = /\bRequest\s*(\.\s*(Form|QueryString|Item|Params|Headers|Cookies)|[\[(])/ nocase
        $run_1 = /Process\s*\.\s*Start\s*\(/
        $run_2 = "ProcessStartInfo"
        $run_3 = /CreateObject\s*\(\s*["']WScript.Shell/ nocase
        $run_4 = /Assembly\s*\.\s*Load\s*\(/
    condition:
        any of ($page_*) and ($direct or ($request and any of ($run_*)))
}
