// PDF files that do more than show pages. Only what isn't inside compressed streams is seen.
//
// Names may be written with #xx in place of any character (ISO 32000-1, 7.3.5); these rules know
// that for the letters where malware does it.

rule pdf_with_javascript
{
    meta:
        severity = "high"
        description = "PDF with JavaScript"
        reference = "https://helpx.adobe.com/acrobat/using/javascripts-pdfs-security-risk.html"
    strings:
        $script = /\/S\s*\/(J|#4[aA])(a|#61)(v|#76)(a|#61)(S|#53)cript\b/
        $names = /\/(J|#4[aA])avaScript[\s<]/
        $code = /(\/JS|\/J#53|\/#4[aA]S|\/#4[aA]#53)\s*[(<\d]/
    condition:
        ($script or $names or $code)
        and (for any i in (0..1024) : (uint32be(i) == 0x25504446 and uint8(i + 4) == 0x2D))
}

rule pdf_that_launches_a_program
{
    meta:
        severity = "critical"
        description = "PDF with an action that starts a program"
        reference = "https://attack.mitre.org/techniques/T1204/002/"
    strings:
        $launch = /\/S\s*\/(L|#4[cC])aunch\b/
    condition:
        $launch
        and (for any i in (0..1024) : (uint32be(i) == 0x25504446 and uint8(i + 4) == 0x2D))
}

rule pdf_with_embedded_file
{
    meta:
        severity = "medium"
        description = "PDF that carries another file"
        reference = "https://opensource.adobe.com/dc-acrobat-sdk-docs/standards/pdfstandards/pdf/PDF32000_2008.pdf"
    strings:
        $stream = /\/Type\s*\/(E|#45)mbeddedFile\b/
        $names = /\/(E|#45)mbeddedFiles\s*[<\d]/
        $xml = /\/Subtype\s*\/(text|application)#2[fF]xml\b/
        $dictionary = /\/EF\s*<<\s*\/U?F\s+\d/
    condition:
        // One XML file is an electronic invoice (Factur-X, ZUGFeRD).
        any of ($stream, $names, $dictionary) and not (#stream == 1 and $xml)
        and (for any i in (0..1024) : (uint32be(i) == 0x25504446 and uint8(i + 4) == 0x2D))
}

rule pdf_that_submits_or_opens_remote
{
    meta:
        severity = "medium"
        description = "PDF that opens a share or sends a form when it is opened"
        reference = "https://attack.mitre.org/techniques/T1187/"
    strings:
        $on_open = /(\/OpenAction|\/AA)\s*[<\d]/
        $remote_1 = /\/S\s*\/GoTo[RE]\b/
        $remote_2 = /\/F\s*[(<](\\\\\\\\|\/\/|<)/
        $submit = /\/S\s*\/SubmitForm\b/
    condition:
        $on_open and (all of ($remote_*) or $submit)
        and (for any i in (0..1024) : (uint32be(i) == 0x25504446 and uint8(i + 4) == 0x2D))
}

rule pdf_with_flash
{
    meta:
        severity = "high"
        description = "PDF with a Flash film, which only attacks still use"
        reference = "https://nvd.nist.gov/vuln/detail/CVE-2010-1297"
    strings:
        $media = /\/(Subtype|S)\s*\/(R|#52)ichMedia/
        $flash = /\/Subtype\s*\/(F|#46)lash\b/
        $film = /(#2[fF]x-shockwave-flash|\.swf\s*\))/ nocase
    condition:
        $media and ($flash or $film)
        and (for any i in (0..1024) : (uint32be(i) == 0x25504446 and uint8(i + 4) == 0x2D))
}

rule pdf_with_disguised_filter
{
    meta:
        severity = "high"
        description = "PDF that writes the name of a stream's filter so that searching for it fails"
        reference = "https://opensource.adobe.com/dc-acrobat-sdk-docs/standards/pdfstandards/pdf/PDF32000_2008.pdf"
    strings:
        // No honest program writes a letter or a digit as #xx.
        $filter = /\/Filter([\s\[\/A-EG-Za-z0-9]|Fl)*#(3[0-9]|4[1-9a-fA-F]|5[0-9aA]|6[1-9a-fA-F]|7[0-9aA])/
    condition:
        $filter
        and (for any i in (0..1024) : (uint32be(i) == 0x25504446 and uint8(i + 4) == 0x2D))
}

rule pdf_that_unpacks_without_end
{
    meta:
        severity = "high"
        description = "PDF with a stream that was compressed many times over"
        reference = "https://cwe.mitre.org/data/definitions/409.html"
    strings:
        $filters = /\/Filter\s*\[(\s*\/([AJLR]|Fl)\w*){4}/
    condition:
        $filters
        and (for any i in (0..1024) : (uint32be(i) == 0x25504446 and uint8(i + 4) == 0x2D))
}
