// Data files that attack the program that reads them.

rule xml_external_entity
{
    meta:
        severity = "high"
        description = "XML with an entity that makes its reader fetch a file or an address"
        reference = "https://owasp.org/www-community/vulnerabilities/XML_External_Entity_(XXE)_Processing"
    strings:
        // Not names beside the document, as in books of several files, nor the address of a DTD.
        $elsewhere = /<!ENTITY[\s%]+[\w.:-]+\s+[PS](YSTEM|UBLIC\s+["'][^"'<]*["'])\s+["']\s{0,4}([a-z][a-z0-9+.-]{1,20}:|\/|\\|\.\.)/ nocase ascii wide
    condition:
        $elsewhere and not declared_type startswith "text/"
        // "<?xm" or "<!DO", or half of these of two bytes each: as strings they would be kept wherever they are.
        and for any i in (0..512) : (
            uint32be(i) == 0x3C3F786D or uint32be(i) == 0x3C21444F
            or uint32be(i) == 0x3C003F00 or uint32be(i) == 0x3C002100)
}

rule xml_entity_expansion
{
    meta:
        severity = "high"
        description = "XML whose entities multiply when they are read (billion laughs)"
        reference = "https://cwe.mitre.org/data/definitions/776.html"
    strings:
        // An entity made of three or more others.
        $nested = /<!ENTITY\s+(%\s+)?[\w.:-]+\s+["']([^"'<&%]|&#)*([&%][\w.:-]+;([^"'<&%]|&#)*){3}/ ascii
        $nested_wide = /<\x00!\x00E\x00N\x00T\x00I\x00T\x00Y\x00([^<]\x00)*(&\x00([\w.:-]\x00)+;\x00){3}/
        $doctype = "<!DOCTYPE" ascii wide
    condition:
        $doctype and (#nested + #nested_wide) >= 2 and not declared_type startswith "text/"
}

rule xml_that_runs_script
{
    meta:
        severity = "high"
        description = "XML that runs script in a browser"
        reference = "https://html.spec.whatwg.org/multipage/scripting.html#script"
    strings:
        $namespace_1 = "http://www.w3.org/1999/xhtml" ascii wide
        $namespace_2 = "http://www.w3.org/2000/svg" ascii wide
        $script_1 = /<script[\s>\/]/ nocase ascii wide
        $script_2 = /<[\w.-]{1,20}:script[\s>\/]/ nocase ascii wide
        $style_1 = /<\?xml-stylesheet\s[^<>]*[dj]a(ta:|vascript:)/ ascii wide
        $transform = /<msxsl:script[\s>]/ nocase ascii wide
    condition:
        // "<?xm", or "<?" of two bytes each, behind a byte order mark or not.
        (declared_type == "application/xml"
         or uint32be(0) == 0x3C3F786D or uint32be(3) == 0x3C3F786D or uint32be(0) == 0x3C003F00
         or uint32be(2) == 0x3C003F00 or uint32be(0) == 0x003C003F or uint32be(2) == 0x003C003F)
        and ((any of ($namespace_*) and any of ($script_*)) or $style_1 or $transform)
}

rule csv_formula_that_runs_a_program
{
    meta:
        severity = "high"
        description = "CSV with a formula that starts a program (DDE) when a spreadsheet opens it"
        reference = "https://owasp.org/www-community/attacks/CSV_Injection"
    strings:
        $dde = /(^|[,;\t\n\r"'])[ ]*[=+@-][^,;\r\n|]*\b(cmd|powershell|mshta|rundll32|regsvr32|wscript|cscript|MSEXCEL|certutil|bash|\/sh)(\.exe)?['" ]*\|/ nocase
        $dde_function = /(^|[,;\t\n\r"'])[ ]*[=+@-][ ]*DDE(AUTO)?[ ]?[("]/ nocase
    condition:
        (declared_type == "text/csv" or extension == "csv" or extension == "tsv" or extension == "slk" or extension == "iqy")
        and any of them
}

rule csv_formula_that_leaks_cells
{
    meta:
        severity = "medium"
        description = "CSV with a formula that sends cells to an address"
        reference = "https://owasp.org/www-community/attacks/CSV_Injection"
    strings:
        $function = /(^|[,;\t\n\r"' ])[=+@-][ ]{0,4}(HYPERLINK|WEBSERVICE|IMPORT(XML|DATA|HTML|FEED)|IMAGE)[ ]?\(/ nocase
        // An address that ends with its text, and goes on with a cell.
        $joined = /"https?:\/\/[^"\r\n]*"+[ ]*&/ nocase
        $address = "http" nocase
        $concatenated = /CONCAT(ENATE)?[ ]?\(/ nocase
    condition:
        (declared_type == "text/csv" or extension == "csv" or extension == "tsv")
        and $function and ($joined or ($address and $concatenated))
}
