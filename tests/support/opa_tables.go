// Package tablewriter stands in for the tables of OPA's interactive shell, which a
// server never prints: Debian's library of that name is too new for Debian's OPA.
package tablewriter

import "io"

const (
	ALIGN_LEFT = iota
	ALIGN_CENTER
)

// Table prints nothing.
type Table struct{}

func NewWriter(io.Writer) *Table         { return &Table{} }
func DisplayWidth(text string) int       { return len(text) }
func (*Table) Append([]string)           {}
func (*Table) AppendBulk([][]string)     {}
func (*Table) NumLines() int             { return 0 }
func (*Table) Render()                   {}
func (*Table) SetAlignment(int)          {}
func (*Table) SetAutoFormatHeaders(bool) {}
func (*Table) SetAutoWrapText(bool)      {}
func (*Table) SetColMinWidth(int, int)   {}
func (*Table) SetColumnAlignment([]int)  {}
func (*Table) SetHeader([]string)        {}
func (*Table) SetRowLine(bool)           {}
