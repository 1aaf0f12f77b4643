// Data files that attack the program that reads them.

rule xml_external_entity
{
    meta:
        severity = "high"
        description = "XML with an entity that makes its reader fetch a file or an address"
        reference = "https://owasp.org/www-community/vulnerabilities/XML_External_Entity_(XXE)_Processing"
    strings:
        // Not those beside the document, as in books of several files, nor those that standards publish.
        $elsewhere = /xml\.entity kind="(general|parameter)" place="elsewhere"/
    condition:
        declared_type == "facts" and extension != "txt" and extension != "md" and $elsewhere
}

rule xml_entity_expansion
{
    meta:
        severity = "high"
        description = "XML whose entities multiply when they are read (billion laughs)"
        reference = "https://cwe.mitre.org/data/definitions/776.html"
    strings:
        $expansion = "xml.expansion\n"
    condition:
        declared_type == "facts" and extension != "txt" and extension != "md" and $expansion
}

rule xml_that_runs_script
{
    meta:
        severity = "high"
        description = "XML whose style sheet is a script, or is hidden in the document's own address"
        reference = "https://www.w3.org/TR/xml-stylesheet/"
    strings:
        $style = /xml\.stylesheet href="\s*[dj]a(ta:|vascript:)/ nocase
    condition:
        declared_type == "facts" and $style
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
