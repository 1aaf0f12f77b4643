// Scripts that a shell, Windows or Office runs. Prose about scripts must not match: each rule asks
// for a place or for things that occur together only where something is run.

rule shell_script
{
    meta:
        severity = "high"
        description = "A script that starts with its interpreter's path"
        reference = "https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html"
    strings:
        $interpreter = /(#!\/|#![ \t]\/|#![ \t][ \t]+\/)[\w\/.-]+\/(env[ \t]+(-\S+[ \t]+)*)?(ba|da|z|k|c|tc|a|fi)?(sh|python[\d.]*|perl|ruby|node|php[\d.]*|lua|pwsh|awk|tclsh|osascript)\b/
    condition:
        // Behind a byte order mark or not.
        $interpreter at 0 or $interpreter at 3
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
        $run_1 = /\bIEX\b\s*[\(\$&]/ nocase ascii wide
        $run_2 = /ke-Expression\b/ nocase ascii wide // the rare end of Invoke-Expression
        $run_3 = /rt-Process\b/ nocase ascii wide // and of Start-Process
        $run_4 = /\|\s*IEX\b/ nocase ascii wide
        $hidden = /-w(in(dowstyle)?)?\s+hi?d/ nocase ascii wide
        $encoded = /powershell(\.exe)?"?\s[^\r\n]{0,120}-e(c|nc|ncodedcommand)?\s+[A-Za-z0-9+\/]{40}/ nocase ascii wide
        $client = ".WebClient" nocase ascii wide
    condition:
        // Many a manual tells its readers to install something by such a line, but in the open.
        $encoded
        or (any of ($download_*) and any of ($run_*)
            and ($hidden or ($client and not declared_type startswith "text/")))
}

rule windows_script_host
{
    meta:
        severity = "high"
        description = "VBScript or JScript that starts programs or writes files through Windows Script Host"
        reference = "https://attack.mitre.org/techniques/T1059/005/"
    strings:
        $create_1 = /(CreateObject|ActiveXObject|GetObject)\s*\(\s*["'](WScript.Shell|Shell.Application|Schedule.Service|winmgmts.)/ nocase ascii wide
        $create_2 = /(CreateObject|ActiveXObject)\s*\(\s*["'](ADODB.Stream|MSXML2.(Server)?XMLHTTP|Scripting.FileSystemObject|WinHttp.WinHttpRequest.5.1)/ nocase ascii wide
        $use_1 = /\.(Run|Exec|ShellExecute)[\s(]/ nocase ascii wide
        $use_2 = ".SaveToFile" nocase ascii wide
        $use_3 = /\.CreateTextFile\s*\(/ nocase ascii wide
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
    strings:
        // And a command after it, as prose has the line too.
        $echo_off = /@echo[ \t]+off[ \t]*(\r?\n|&)\s*([@:%("]|[a-z]:\\|[\w.-]+\.(exe|com|bat|cmd|ps1|vbs|js)\b|(attrib|call|cd|certutil|chcp|cls|cmd|color|copy|cscript|curl|del|echo|exit|for|ftp|goto|icacls|if|md|mkdir|mode|move|mshta|msiexec|net|netsh|pause|ping|powershell|pushd|rd|reg|regsvr32|rem|ren|rmdir|robocopy|rundll32|sc|schtasks|set|setlocal|shutdown|start|taskkill|timeout|title|type|ver|wmic|wscript|xcopy)([ \t.(\/]|\r?\n|$))/ nocase
    condition:
        $echo_off in (0..16)
}

rule download_with_system_tool
{
    meta:
        severity = "high"
        description = "A command line that has a Windows system tool download or decode a program and run it"
        reference = "https://lolbas-project.github.io/"
    strings:
        $certutil = /certutil(\.exe)?\s[^\r\n]{0,80}-urlcache\s[^\r\n]{0,120}:\/\/[^\r\n]{1,200}[&|]/ nocase
        $bitsadmin = /bitsadmin(\.exe)?\s+\/transfer\s[^\r\n]{1,200}:\/\/[^\r\n]{1,200}[&|]/ nocase
        $mshta = /\bms.ta(\.exe)?["']?\s+["']?(http:[\/\\]|https:[\/\\]|javascript:|vbscript:)/ nocase
        $regsvr32 = /regsvr32(\.exe)?\s[^\r\n]{0,40}\/i:["']?https?:[^\r\n]{1,200}scrobj\.dll/ nocase
    condition:
        any of them
}

rule shell_download_and_run
{
    meta:
        severity = "high"
        description = "A shell one-liner that hides what it runs or opens a connection back"
        reference = "https://attack.mitre.org/techniques/T1059/004/"
    strings:
        $reverse_bash = /(ba)?sh\s+-i\s*(>&|&>|>)\s*\/dev\/(tcp|udp)\/[\w.-]+\/\d+/
        $reverse_netcat = /\bn(c|cat)\s[^\r\n|;]{0,60}-e\s*\/bin\/(ba|da)?sh/
        $reverse_pipe = /mkfifo\s+\S+[^\r\n]{1,80}\/bin\/(ba)?sh\s+-i[^\r\n]{1,40}\bnc\b/
        $decoded = /base64\s+(-d|-D|--decode)[^\r\n|]{0,20}\|\s*(ba|da|z)?sh\b/
    condition:
        any of them
}

rule html_application
{
    meta:
        severity = "high"
        description = "An HTML application (HTA), which runs with the user's full rights"
        reference = "https://attack.mitre.org/techniques/T1218/005/"
    strings:
        $tag = /<hta:application[\s\/>]/ nocase ascii wide
    condition:
        $tag
}

rule windows_script_component
{
    meta:
        severity = "high"
        description = "A Windows script component or script file (SCT, WSF) with code in it"
        reference = "https://attack.mitre.org/techniques/T1218/010/"
    strings:
        $root = /<(scriptlet|component|job|package)[\s>]/ nocase
        $script = /<script\s[^>]{0,80}language\s*=\s*["']?(vbscript|jscript|javascript)/ nocase
        $registration = "<registration" nocase
        $create = /(Create|ActiveX)Object\s*\(/ nocase
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
        $python = /socket\.socket\([^\r\n]{0,80}\)[^\x00]{0,120}\.connect\(\([^\x00]{0,200}(os\.dup2\(|pty\.spawn\()[^\x00]{0,160}(\/bin\/|["']sh["']|subprocess)/
        $perl = /\bconnect\([A-Z]{1,8}\s*,\s*sockaddr_in\([^\x00]{0,200}exec\s*\{?\s*["'(]{1,2}\/bin\/(ba)?sh/
        $ruby = /TCPSocket\.(new|open)\([^\r\n]{0,160}(exec|IO\.popen)[^\r\n]{0,80}(\/bin\/(ba)?sh|cmd\b)/
        $php = /\bfsockopen\s*\([^\x00]{0,200}(exec|shell_exec|system|passthru|proc_open|popen)\s*\(\s*["'](\/bin\/)?(ba)?sh\s+-i/
        $powershell = /\.Sockets\.TCPClient\b[^\x00]{0,900}(\biex\b|Invoke-Expression)[^\x00]{0,600}\.Write\(/ nocase
    condition:
        any of them
}

rule powershell_that_unpacks_code
{
    meta:
        severity = "high"
        description = "PowerShell that unpacks code from text and runs it"
        reference = "https://attack.mitre.org/techniques/T1027/010/"
    strings:
        $decode = /\[(System\.)?Convert\]::FromBase64String\s*\(/ nocase ascii wide
        $unpack = /\.(GzipStream|DeflateStream)\b/ nocase ascii wide
        $run_1 = /\bIEX\b/ nocase ascii wide
        $run_4 = /ke-Expression\b/ nocase ascii wide
        $run_2 = /\[(System\.)?Reflection\.Assembly\]::Load\s*\(/ nocase ascii wide
        $run_3 = /\[ScriptBlock\]::Create\s*\(/ nocase ascii wide
        $payload = /(["']H4sI|["']7[VT0ZbLd]|["']tV|["']nV)[A-Za-z0-9+\/]{60}/ ascii wide
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
        $donation = /"donate-level"\s*:\s*\d/
        $pool = /"url"\s*:\s*"(stratum\+(tcp|ssl|tls):\/\/)?[\w.-]{4,80}:\d{2,5}"/
        $user = /"user"\s*:\s*"[A-Za-z0-9.+-]{20,140}"/
    condition:
        all of them
}
