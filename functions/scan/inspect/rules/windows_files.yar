// Small Windows files that run a command or reach for a server as soon as they are seen or opened.

rule windows_library_elsewhere
{
    meta:
        severity = "high"
        description = "A Windows library or search that shows a folder on someone else's server"
        reference = "https://nvd.nist.gov/vuln/detail/CVE-2025-24071"
    strings:
        $root = /<(libraryDescription|searchConnectorDescription)\s/ nocase
        $place = /<(url|simpleLocation)>\s*[fh\\](\\|ttps?:|ile:\/\/[^\/])/ nocase
    condition:
        $root in (0..1024) and $place
}

rule windows_settings_shortcut
{
    meta:
        severity = "high"
        description = "A shortcut to Windows settings that starts a program"
        reference = "https://attack.mitre.org/techniques/T1204/002/"
    strings:
        $schema = "http://schemas.microsoft.com/Search/2013/SettingContent"
        $link = /<DeepLink[^<]*\.[bcdehjpv][abmlstx][1adelst]?\b/ nocase
    condition:
        $schema in (0..1024) and $link
}

rule windows_folder_file_elsewhere
{
    meta:
        severity = "medium"
        description = "A file that makes Windows fetch an icon from someone else's server, and give away a password's hash"
        reference = "https://attack.mitre.org/techniques/T1187/"
    strings:
        $icon = /\n[ \t]*(IconFile|IconResource)[ \t]*=[ \t]*\\\\[^\s\\?.]/ nocase
    condition:
        $icon
        // "[she" or "[.sh" at the beginning: as strings they would be kept wherever they are.
        and for any i in (0..16) : (
            (uint32be(i) | 0x00202020) == 0x5B736865 or (uint32be(i) | 0x00002020) == 0x5B2E7368)
}

rule registry_file_that_starts_programs
{
    meta:
        severity = "high"
        description = "A registry file that makes Windows start a program by itself"
        reference = "https://attack.mitre.org/techniques/T1547/001/"
    strings:
        $header = /(Windows Registry Editor Version 5\.00|REGEDIT4)\r?\n/ ascii
        $header_wide = "Windows Registry Editor Version 5.00" wide
        $key = /\n\[HKEY_[^\[\]\r\n]*(CurrentVersion\\(Run|RunOnce|Windows NT\\CurrentVersion\\Winlogon)\]|Image File Execution Options\\[^\\\]\r\n])/ nocase ascii
        $key_wide = /C\x00u\x00r\x00r\x00e\x00n\x00t\x00V\x00e\x00r\x00s\x00i\x00o\x00n\x00\\\x00R\x00u\x00n\x00(O\x00n\x00c\x00e\x00)?\]\x00/ nocase
    condition:
        // "Wind", "REGE", or "Wi" of two bytes each, behind a byte order mark or not.
        (uint32be(0) == 0x57696E64 or uint32be(3) == 0x57696E64 or uint32be(0) == 0x52454745
         or uint32be(3) == 0x52454745 or uint32be(0) == 0x57006900 or uint32be(2) == 0x57006900)
        and (($header in (0..4) and $key) or ($header_wide in (0..4) and $key_wide))
}

rule support_tool_link
{
    meta:
        severity = "critical"
        description = "A link that has Windows' support tool run a command (CVE-2022-30190)"
        reference = "https://nvd.nist.gov/vuln/detail/CVE-2022-30190"
    strings:
        $link = /ms-msdt:.{0,300}?IT_BrowseForFile/s nocase
        $package = /\bid\s+PCWDiagnostic/ nocase
        $command = /IT_BrowseForFile\s*=[^\r\n=$]*\$\(/ nocase
    condition:
        all of them
}
