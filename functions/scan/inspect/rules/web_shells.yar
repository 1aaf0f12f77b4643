// Pages that give whoever calls them a command line on a web server.

rule php_web_shell
{
    meta:
        severity = "critical"
        description = "PHP that runs what a request sends it"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
    strings:
        $open_1 = "<?php" nocase
        $open_2 = "<?="
        $open_3 = "<? "
        $open_4 = "<?\n"
        $open_5 = "<?\r"
        $open_6 = "<?\t"
        $open_7 = "<?@"
        $open_8 = "<?("
        // A call, or a file that is included, and what a request sent. The names are looked for: classes of one
        // letter hide the rest. Between them may stand stripslashes, base64_decode, trim or urldecode.
        $call = /\b(eval|assert|system|(shell_|pcntl_)?(exec\(|exec \()|passthru|(proc_o|po)pen|create_function|include(_once)?|require(_once)?)[\s@(]{0,6}([sbtu][tar][rsil][iemd](64_decode|ecode|pslashes)?[\s@(]{1,6})?\$_(G[E]T|P[O]ST|R[E]QU|C[O]OK|S[E]RV)/ nocase
        // An entry of an array that is called.
        $entry = /\]\s?\([\s@]{0,2}(\$_GET|\$_POST|\$_REQUEST|\$_COOKIE|\$_SERVER)/ nocase
        // Optional letters, as no engine should look for these words.
        $packed = /\b(ev?al|as?sert)\s?\([\s@]?(gzinflate|gzuncompress|base64_decode|str_rot13|gzdecode)\s?\(/ nocase
        $turned = /\b(ev?al|as?sert)\s?\([\s@]?\w\wrrev\b/ nocase // strrev
        // What strrev turns round.
        $reversed_1 = /\(\s{0,3}edoced_46esab/ nocase
        $reversed_2 = /(TEG_\$|TSOP_\$|TSEUQER_\$|EIKOOC_\$)/
    condition:
        any of ($open_*) and any of ($call, $entry, $packed, $turned, $reversed_*)
}

rule php_web_shell_in_backticks
{
    meta:
        severity = "critical"
        description = "PHP that has a shell run what a request sends it"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
    strings:
        $open_1 = "<?php" nocase
        $open_2 = "<?="
        $open_3 = "<? "
        $open_4 = "<?\n"
        $open_5 = "<?\r"
        $open_6 = "<?\t"
        $open_7 = "<?@"
        $open_8 = "<?("
        // A backtick where an expression begins, not where prose quotes code, and what a request sent.
        $command = /([=@;{]|(ech|prin|retur|ph)[onpt])\s{0,2}`[^`\r\n_]*(\$_GET|\$_POST|\$_REQUEST|\$_COOKIE|\$_SERVER)/ nocase
    condition:
        any of ($open_*) and $command
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
        $direct = /\b(eval|[e]xecute(global)?)[\s(]+(Convert\.FromBase64String[\s(]+)?req.est\s*[.(\[]/ nocase
        $request = /\bRequest\s*(\.\s*(Form|QueryString|Item|Params|Headers|Cookies)|[\[(])/ nocase
        $run_1 = /Process\s*\.\s*Start\s*\(/
        $run_2 = "ProcessStartInfo"
        $run_3 = /CreateObject\s?\(\s?["']WScript.Shell/ nocase
        $run_4 = /Assembly\s*\.\s*Load\s*\(/
    condition:
        any of ($page_*) and ($direct or ($request and any of ($run_*)))
}
