// Scripts that a shell, Windows or Office runs. Prose about scripts must not match: each rule asks
// for a place or for things that occur together only where something is run.

rule shell_script
{
    meta:
        severity = "high"
        description = "A script that starts with its interpreter's path"
        reference = "https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html"
        member_class = "scripts"
    condition:
        // Read byte by byte, as a file has one beginning, but may have any number of lines that look like it:
        // "#!", behind a byte order mark or not, blanks, a slash, and in the same line an interpreter.
        for any b in (0, 3) : (
            uint16be(b) == 0x2321
            and for any i in (2..16) : (
                uint8(b + i) == 0x2F
                and for all j in (1..i - 1) : (j < 2 or uint8(b + j) == 0x20 or uint8(b + j) == 0x09)
            )
            and for any i in (3..160) : (
                // sh, bash and the like; awk, php, lua; python, perl, ruby, node, pwsh, tclsh, osascript.
                ((uint16be(b + i) == 0x7368 and (b + i + 2 >= filesize or uint8(b + i + 2) <= 0x20))
                 or for any name in (0x61776B, 0x706870, 0x6C7561) : ((uint32be(b + i) >> 8) == name)
                 or for any name in (0x70797468, 0x7065726C, 0x72756279, 0x6E6F6465, 0x70777368, 0x74636C73, 0x6F736173) : (
                     uint32be(b + i) == name))
                and for all j in (2..i) : (uint8(b + j) != 0x0A and uint8(b + j) != 0x0D)
            )
        )
}

rule powershell_download_and_run
{
    meta:
        severity = "high"
        description = "PowerShell that downloads code and runs it, or runs an encoded command"
        reference = "https://attack.mitre.org/techniques/T1059/001/"
    strings:
        $download_1 = ".DownloadString(" nocase ascii wide
        $download_2 = ".DownloadFile(" nocase ascii wide
        $download_3 = ".DownloadData(" nocase ascii wide
        $download_4 = "-WebRequest" nocase ascii wide
        // Four bytes are looked for as they are: nothing has to be tried.
        $run_11 = "|IEX" nocase
        $run_12 = "| IEX" nocase
        $run_13 = "IEX(" nocase
        $run_14 = "IEX (" nocase
        $run_15 = "IEX $" nocase
        $run_16 = "IEX &" nocase
        $run_17 = /\|\s{1,4}IEX\b/ nocase wide
        $run_18 = /\bIEX\s?[\(\$&]/ nocase wide
        $run_2 = /ke-Expression\b/ nocase ascii wide // the rare end of Invoke-Expression
        $run_3 = /rt-Process\b/ nocase ascii wide // and of Start-Process
        // As plain text: "-w" alone is two bytes.
        $hidden_1 = "-w hid" nocase ascii wide
        $hidden_2 = "-w  hid" nocase ascii wide
        $hidden_3 = "-w\thid" nocase ascii wide
        $hidden_4 = "-wi hid" nocase ascii wide
        $hidden_5 = "-win hid" nocase ascii wide
        $hidden_6 = "-win  hid" nocase ascii wide
        $hidden_7 = /dowstyle\s{1,4}hi?d/ nocase ascii wide
        $hidden_8 = "-w 1 -" nocase ascii wide
        $hidden_9 = "dowstyle 1" nocase ascii wide
        $encoded_1 = /powershell(\.exe)?"?\s/ nocase ascii wide
        $encoded_2 = /( -e |\t-e\t|-ec[ \t]|-enc[ \t]|-encodedcommand[ \t])[ \t]*[A-Za-z0-9+\/]{40}/ nocase
        $encoded_3 = /[ \t]-e(c|nc|ncodedcommand)?[ \t]{1,8}[A-Za-z0-9+\/]{40}/ nocase wide
        $client = ".WebClient" nocase ascii wide
    condition:
        // Many a manual tells its readers to install something by such a line, but in the open.
        ($encoded_1 and any of ($encoded_2, $encoded_3))
        or (any of ($download_*) and any of ($run_*)
            and (any of ($hidden_*) or ($client and not declared_type startswith "text/")))
}

rule windows_script_host
{
    meta:
        severity = "high"
        description = "VBScript or JScript that starts programs or writes files through Windows Script Host"
        reference = "https://attack.mitre.org/techniques/T1059/005/"
    strings:
        $create_1 = /(CreateObject|ActiveXObject|GetObject)\s?\(\s?["'](WScript.Shell|Shell.Application|Schedule.Service|winmgmts.)/ nocase ascii wide
        $create_2 = /(CreateObject|ActiveXObject)\s?\(\s?["'](ADODB.Stream|MSXML2.(Server)?XMLHTTP|Scripting.FileSystemObject|WinHttp.WinHttpRequest.5.1)/ nocase ascii wide
        $use_1 = /\.(Run|Exec|ShellExecute)[\s(]/ nocase ascii wide
        $use_2 = ".SaveToFile" nocase ascii wide
        $use_3 = /\.CreateTextFile\s?\(/ nocase ascii wide
        $use_4 = ".ResponseBody" nocase ascii wide
    condition:
        ($create_1 and $use_1) or ($create_2 and 2 of ($use_*))
}

rule batch_script
{
    meta:
        severity = "high"
        description = "A Windows batch file"
        reference = "https://attack.mitre.org/techniques/T1059/003/"
        member_class = "scripts"
    strings:
        $program = /@echo[ \t]+off[ \t]*(\r?\n|&)\s*[\w.-]+\.[bcejpv][abmosx]\w?\b/ nocase
    condition:
        // "@echo off" and a command after it, as prose has the line too. Read byte by byte: a file has one
        // beginning, but may have any number of lines that look like it.
        $program in (0..16)
        or for any b in (0..16) : (
            uint8(b) == 0x40 and (uint32be(b + 1) | 0x20202020) == 0x6563686F
            and for any o in (5..16) : (
                uint8(b + o) <= 0x20 and ((uint32be(b + o) | 0x00202020) & 0x00FFFFFF) == 0x006F6666
                and for any p in (o + 5..o + 60) : (
                    // A sign that begins a command, a drive, or a word: of four letters, of more, of three, of two.
                    for all q in (o + 4..p - 1) : (
                        uint8(b + q) == 0x0A or uint8(b + q) == 0x0D or uint8(b + q) == 0x20
                        or uint8(b + q) == 0x09 or uint8(b + q) == 0x26)
                    and for any q in (o + 4..p - 1) : (uint8(b + q) == 0x0A or uint8(b + q) == 0x26)
                    and (uint8(b + p) == 0x40 or uint8(b + p) == 0x3A or uint8(b + p) == 0x25
                         or uint8(b + p) == 0x28 or uint8(b + p) == 0x22 or uint16be(b + p + 1) == 0x3A5C
                         or ((uint8(b + p + 4) | 0x20) < 0x61 and for any word in (
                             0x63616C6C, 0x63686370, 0x636F7079, 0x6375726C, 0x6563686F, 0x65786974,
                             0x676F746F, 0x6D6F6465, 0x6D6F7665, 0x70696E67, 0x74797065, 0x776D6963
                         ) : ((uint32be(b + p) | 0x20202020) == word))
                         or for any word in (
                             0x61747472, 0x63657274, 0x636F6C6F, 0x63736372, 0x69636163, 0x6D6B6469,
                             0x6D736874, 0x6D736965, 0x6E657473, 0x70617573, 0x706F7765, 0x70757368,
                             0x72656773, 0x726F626F, 0x726D6469, 0x72756E64, 0x73636874, 0x7365746C,
                             0x73687574, 0x73746172, 0x7461736B, 0x74696D65, 0x7469746C, 0x77736372,
                             0x78636F70
                         ) : ((uint32be(b + p) | 0x20202020) == word)
                         or ((uint8(b + p + 3) | 0x20) < 0x61 and for any word in (
                             0x636C73, 0x636D64, 0x64656C, 0x666F72, 0x6E6574, 0x726567, 0x72656D, 0x72656E,
                             0x736574, 0x766572
                         ) : (((uint32be(b + p) >> 8) | 0x202020) == word))
                         or ((uint8(b + p + 2) | 0x20) < 0x61 and for any word in (
                             0x6364, 0x6966, 0x6D64, 0x7264, 0x7363
                         ) : ((uint16be(b + p) | 0x2020) == word)))
                )
            )
        )
}

rule download_with_system_tool
{
    meta:
        severity = "high"
        description = "A command line that has a Windows system tool download or decode a program and run it"
        reference = "https://lolbas-project.github.io/"
    strings:
        $certutil = "certutil" nocase
        $bitsadmin = "bitsadmin" nocase
        // An order and an address close to each other, and that something is run after it.
        $download = /([-\/]urlcache|\/transfer)\s.{1,250}?tps??:\/\/\w/s nocase
        $run_1 = "&& " nocase
        $run_2 = ".exe &" nocase
        $run_3 = ".exe&" nocase
        $run_4 = ".exe\" &" nocase
        $run_5 = "& start" nocase
        $run_6 = "&start" nocase
        $run_7 = "& rundll32" nocase
        $run_8 = "& regsvr32" nocase
        $run_9 = "& powershell" nocase
        $run_10 = "& cmd" nocase
        $run_11 = "& wscript" nocase
        $run_12 = "& cscript" nocase
        $run_13 = "& mshta" nocase
        $run_14 = "& msiexec" nocase
        $run_15 = "& c:\\" nocase
        $run_16 = "& %" nocase
        $run_17 = "| cmd" nocase
        $run_18 = "|cmd" nocase
        $run_19 = "| powershell" nocase
        $run_20 = "&%te" nocase
    condition:
        any of ($certutil, $bitsadmin) and $download and any of ($run_*)
}

rule page_run_by_system_tool
{
    meta:
        severity = "high"
        description = "A command line that has a Windows system tool run a page or a script from elsewhere"
        reference = "https://lolbas-project.github.io/"
    strings:
        $mshta = /\bms.ta(\.exe)?["']?\s+["']?(http:[\/\\]|https:[\/\\]|javascript:|vbscript:)/ nocase
        $regsvr32_1 = /regsvr32(\.exe)?\s/ nocase
        $regsvr32_2 = /\/i:["']??https??:.{1,250}?scrobj\.dll/s nocase
    condition:
        $mshta or all of ($regsvr32_*)
}

rule shell_download_and_run
{
    meta:
        severity = "high"
        description = "A shell one-liner that hides what it runs"
        reference = "https://attack.mitre.org/techniques/T1059/004/"
    strings:
        $decoded = /base64\s{1,4}-(d|D|-decode)[^\r\n|6]*(6[^4\r\n|][^\r\n|6]*)?\|\s*([bdz]a?s|s)h\b/
    condition:
        $decoded
}

rule shell_that_connects_back
{
    meta:
        severity = "high"
        description = "A shell one-liner that opens a connection back"
        reference = "https://attack.mitre.org/techniques/T1059/004/"
    strings:
        $bash = /(ba)?sh\s+-i\s*[&>]{1,2}\s*\/dev\/(tcp|udp)\/\w/
        $netcat = /\bn(c|cat)\s[^\r\n|;\/]*-e\s?\/bin\/[bds]a?s?h/
        $pipe = /mkfifo\s.{1,300}?(h -i|h  -i|h\t-i)/s
        $end_1 = " nc "
        $end_2 = "|nc "
        $end_3 = ";nc "
        $end_4 = "&nc "
        $end_5 = "\nnc "
    condition:
        $bash or $netcat or ($pipe and any of ($end_*))
}

rule html_application
{
    meta:
        severity = "high"
        description = "An HTML application (HTA), which runs with the user's full rights"
        reference = "https://attack.mitre.org/techniques/T1218/005/"
        member_class = "launchers"
    strings:
        $tag = "<hta:application" nocase ascii wide
    condition:
        $tag
}

rule windows_script_component
{
    meta:
        severity = "high"
        description = "A Windows script component or script file (SCT, WSF) with code in it"
        reference = "https://attack.mitre.org/techniques/T1218/010/"
        member_class = "launchers"
    strings:
        $root = /<(scriptlet|component|job|package)[\s>]/ nocase
        $script = /language\s*=\s*["']?[jv](bscript|script|avascript)/ nocase
        $registration = "<registration" nocase
        $create = /(Create|ActiveX)Object\s?\(/ nocase
    condition:
        $root in (0..1024) and $script and ($registration or $create)
}

rule script_that_connects_back
{
    meta:
        severity = "critical"
        description = "A script that gives whoever it connects to a command line"
        reference = "https://attack.mitre.org/techniques/T1059/"
    strings:
        // Of each language two things close to each other, the rest anywhere: an engine takes strings with such
        // a gap, of more than 200 bytes, apart, and looks at no byte of it.
        $python = /\.connect\(\(.{0,300}?(os\.dup2\(|pty\.spawn\()/s
        $python_socket = "socket.socket("
        $python_shell_1 = "/bin/"
        $python_shell_2 = "\"sh\""
        $python_shell_3 = "'sh'"
        $python_shell_4 = "subprocess"
        $perl = /sockaddr_in\(.{0,300}?("\/bin|'\/bin|\(\/bin)\/(ba)??sh/s
        $perl_connect = /\bconnect\([A-Z]/
        // What follows the names tells calls from words, and is rarer.
        $run_1 = "exec("
        $run_2 = "exec ("
        $run_3 = "exec \""
        $run_4 = "exec '"
        $run_5 = "exec{"
        $run_6 = "exec {"
        $run_7 = "system("
        $run_8 = "system ("
        $run_9 = "system \""
        $run_10 = "system '"
        $run_11 = "passthru("
        $run_12 = "passthru ("
        $run_13 = "popen("
        $run_14 = "popen ("
        $run_15 = "proc_open"
        $ruby = /TCPSocket\.(new|open)\(.{0,250}?(xec\(|xec "|xec '|xec sprintf|IO\.popen)/s
        $ruby_shell_1 = "/bin/sh"
        $ruby_shell_2 = "/bin/bash"
        $ruby_shell_3 = "cmd" fullword
        $php = /fsockopen\s{0,8}?\(.{0,300}?("sh|'sh|\/sh|"bash|'bash|\/bash)\s/s
        $powershell = /\.Sockets\.TCPClient\b.{0,900}?(\biex\b|Invoke-Expression)/s nocase
        $powershell_write = ".Write(" nocase
    condition:
        ($python and $python_socket and any of ($python_shell_*))
        or ($perl and $perl_connect and any of ($run_*))
        or ($ruby and any of ($ruby_shell_*))
        or ($php and any of ($run_*))
        or ($powershell and $powershell_write)
}

rule powershell_that_unpacks_code
{
    meta:
        severity = "high"
        description = "PowerShell that unpacks code from text and runs it"
        reference = "https://attack.mitre.org/techniques/T1027/010/"
    strings:
        $decode = /\[(System\.)?Convert\]::FromBase64String\s?\(/ nocase ascii wide
        $unpack = /\.(GzipStream|DeflateStream)\b/ nocase ascii wide
        $run_1 = /\bIEX\b/ nocase ascii wide
        $run_4 = /ke-Expression\b/ nocase ascii wide
        $run_2 = /\[(System\.)?Reflection\.Assembly\]::Load\s?\(/ nocase ascii wide
        $run_3 = /\[ScriptBlock\]::Create\s?\(/ nocase ascii wide
        $payload = /("H4sI|'H4sI|"7[VT0ZbLd]|'7[VT0ZbLd]|"tV|'tV|"nV|'nV)[A-Za-z0-9+\/]{60}/ ascii wide
    condition:
        $decode and $unpack and $payload and any of ($run_*)
}

rule miner_configuration
{
    meta:
        severity = "medium"
        description = "The configuration of a program that mines cryptocurrency, as intruders leave it behind"
        reference = "https://attack.mitre.org/techniques/T1496/"
    strings:
        $donation = /"donate-level"\s?:\s?\d/
        $pool = /"url"\s?:\s?"(stratum\+(tcp|ssl|tls):\/\/)?[\w.-]{4,48}:\d{2,5}"/
        $user = /"user"\s?:\s?"[A-Za-z0-9.+-]{20,140}"/
    condition:
        all of them
}
